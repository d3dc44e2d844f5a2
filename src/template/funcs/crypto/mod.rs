//! Sprig's cryptography: sums, passwords, keys and certificates.

mod passwords;
mod sums;

use crate::template::func::Function;

pub(crate) fn functions() -> Vec<(&'static str, Function)> {
    [passwords::functions(), sums::functions()].into_iter().flatten().collect()
}
