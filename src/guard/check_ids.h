/* guard/check_ids.h: the check digits of numbers that states and banks give to people. Inside
 * guard/, for check.c. What is no digit (or letter, where the number has some) is passed over. */
#ifndef WEIR_GUARD_CHECK_IDS_H
#define WEIR_GUARD_CHECK_IDS_H

#include "base/span.h"

bool id_luhn(span value);
bool id_verhoeff(span value);
bool id_de_steuer(span value);
bool id_es_dni(span value);
bool id_fr_nir(span value);
bool id_it_cf(span value);
bool id_nl_bsn(span value);
bool id_be_nrn(span value);
bool id_pl_pesel(span value);
bool id_se_pnr(span value);
bool id_fi_hetu(span value);
bool id_no_fnr(span value);
bool id_pt_nif(span value);
bool id_br_cpf(span value);
bool id_br_cnpj(span value);
bool id_cn_rin(span value);
bool id_tr_tckn(span value);
bool id_au_tfn(span value);
bool id_uk_nhs(span value);
bool id_ch_ahv(span value);
bool id_cl_rut(span value);
bool id_hr_oib(span value);
bool id_ro_cnp(span value);
bool id_cz_rc(span value);

#endif
