//! Sprig's `getHostByName`, which Helm answers with nothing unless it is told `--enable-dns`.

use crate::template::{
    Context, Str,
    func::{Function, with_context},
};

pub(crate) fn functions() -> Vec<(&'static str, Function)> {
    let address = |context: &mut Context<'_>, name: Str| context.env.host_address(&name.to_text());
    vec![("getHostByName", with_context(address))]
}
