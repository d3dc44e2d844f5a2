//! Sprig's cryptography: sums, passwords, ciphers, keys and certificates.

mod certificates;
mod cipher;
mod der;
mod keys;
mod passwords;
mod pem;
mod primes;
mod sums;

use crate::template::func::Function;

pub(crate) fn functions() -> Vec<(&'static str, Function)> {
    let families =
        [sums::functions(), passwords::functions(), cipher::functions(), keys::functions(), certificates::functions()];
    families.into_iter().flatten().collect()
}
