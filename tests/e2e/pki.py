"""Certificates for tests: a private authority, and what it signs."""

import datetime
import ipaddress
import ssl

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

NOW = datetime.datetime.now(datetime.timezone.utc)
DAY = datetime.timedelta(days=1)


def _name(text):
    return x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, text)])


def _alternative(name):
    try:
        return x509.IPAddress(ipaddress.ip_address(name))
    except ValueError:
        return x509.DNSName(name)


def _pem_key(key):
    return key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())


class Identity:
    """A certificate with its key, as files."""

    def __init__(self, directory, stem, certificate, key):
        self.certificate = certificate
        self.cert = directory / f"{stem}.pem"
        self.key = directory / f"{stem}.key"
        self.cert.write_bytes(certificate.public_bytes(serialization.Encoding.PEM))
        self.key.write_bytes(_pem_key(key))

    @property
    def serial(self):
        return self.certificate.serial_number

    def server(self):
        """An ssl.SSLContext for the server's side."""
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(self.cert, self.key)
        return context


class Authority:
    def __init__(self, directory, name="weir test authority"):
        self.directory = directory
        directory.mkdir(parents=True, exist_ok=True)
        self._key = ec.generate_private_key(ec.SECP256R1())
        self._name = _name(name)
        self._count = 0
        self.certificate = (
            x509.CertificateBuilder().subject_name(self._name).issuer_name(self._name).public_key(self._key.public_key())
            .serial_number(x509.random_serial_number()).not_valid_before(NOW - DAY).not_valid_after(NOW + 30 * DAY)
            .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
            .add_extension(x509.SubjectKeyIdentifier.from_public_key(self._key.public_key()), critical=False)
            .sign(self._key, hashes.SHA256()))
        self.file = directory / "ca.pem"
        self.file.write_bytes(self.certificate.public_bytes(serialization.Encoding.PEM))

    def issue(self, *names, stem=None, ends=NOW + 7 * DAY, alternatives=True):
        """A server's certificate for names and addresses; without alternatives the first is its common name alone."""
        self._count += 1
        key = ec.generate_private_key(ec.SECP256R1())
        builder = (
            x509.CertificateBuilder().subject_name(_name(names[0])).issuer_name(self._name).public_key(key.public_key())
            .serial_number(x509.random_serial_number()).not_valid_before(NOW - 3 * DAY).not_valid_after(ends)
            .add_extension(x509.ExtendedKeyUsage([ExtendedKeyUsageOID.SERVER_AUTH]), critical=False)
            .add_extension(x509.AuthorityKeyIdentifier.from_issuer_public_key(self._key.public_key()), critical=False))
        if alternatives:
            builder = builder.add_extension(x509.SubjectAlternativeName([_alternative(n) for n in names]), critical=False)
        certificate = builder.sign(self._key, hashes.SHA256())
        return Identity(self.directory, stem or f"{names[0]}-{self._count}", certificate, key)

    def client(self):
        """An ssl.SSLContext that trusts this authority alone."""
        return ssl.create_default_context(cafile=str(self.file))
