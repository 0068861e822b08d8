"""What people would use in weir's place, for `bench/run peers`: one peer is one file here and one row below."""

from peers.floor import Floor
from peers.haproxy import Haproxy
from peers.litellm import Litellm
from peers.nginx import Nginx
from peers.portkey import Portkey
from peers.service import Service
from peers.weir import BareWeir, FullWeir

PEERS = [Floor, Nginx, Haproxy, FullWeir, BareWeir, Service, Litellm, Portkey]
