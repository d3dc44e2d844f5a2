//! The functions that Helm 4.2.4 registers: Sprig 3.3.0's less `env` and `expandenv`, plus Helm's own. One file a family,
//! each with a `functions()` table of names.

mod builtin;
mod encoding;

use super::func::Function;

/// Every function by its name, families in turn.
pub(crate) fn all() -> impl Iterator<Item = (&'static str, Function)> {
    [builtin::functions(), encoding::functions()].into_iter().flatten()
}
