//! The functions that Helm 4.2.4 registers: Sprig 3.3.0's less `env` and `expandenv`, plus Helm's own. One file a family,
//! each with a `functions()` table of names.

mod builtin;
mod case;
mod crypto;
mod date;
mod decimal;
mod defaults;
mod dicts;
mod encoding;
mod lists;
mod math;
mod network;
mod path;
mod random;
mod reflect;
mod regex;
mod semver;
mod strings;
#[cfg(test)]
mod testing;
pub(crate) mod url;

pub(crate) use regex::{Regex, check as check_regex, compile as compile_regex};
pub(crate) use url::parse as parse_url;

pub(super) use builtin::call;
pub(super) use date::span;
pub(super) use encoding::to_yaml;
pub(crate) use path::clean as clean_path;

use super::{Fault, func::Function};

/// The longest text that one function makes; Go would run out of memory some time later.
const MAX_TEXT: usize = 1 << 28;
/// The longest list that one function makes of less.
const MAX_ITEMS: usize = 1 << 22;

/// Refuses a text that would be too long.
fn check_text(length: usize) -> Result<(), Fault> {
    if length > MAX_TEXT { Err(Fault::new(format!("a string of more than {MAX_TEXT} bytes"))) } else { Ok(()) }
}

/// Refuses a list that would be too long.
fn check_items(length: usize) -> Result<(), Fault> {
    if length > MAX_ITEMS { Err(Fault::new(format!("a list of more than {MAX_ITEMS} elements"))) } else { Ok(()) }
}

/// Go's panic on nothing where something is needed.
fn nil_pointer() -> Fault {
    Fault::new("runtime error: invalid memory address or nil pointer dereference")
}

/// Every function by its name, families in turn.
pub(crate) fn all() -> impl Iterator<Item = (&'static str, Function)> {
    [
        builtin::functions(),
        encoding::functions(),
        crypto::functions(),
        date::functions(),
        defaults::functions(),
        decimal::functions(),
        dicts::functions(),
        lists::functions(),
        math::functions(),
        network::functions(),
        path::functions(),
        random::functions(),
        reflect::functions(),
        regex::functions(),
        semver::functions(),
        strings::functions(),
        url::functions(),
    ]
    .into_iter()
    .flatten()
}
