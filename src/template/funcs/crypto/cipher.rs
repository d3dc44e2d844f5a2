//! `encryptAES` and `decryptAES`: AES-256 in CBC mode, the password cut or filled with zeros for its key.

use aes::{
    Aes256,
    cipher::{
        BlockDecryptMut, BlockEncryptMut, KeyIvInit,
        block_padding::{NoPadding, Pkcs7},
    },
};
use base64::{Engine, engine::general_purpose::STANDARD};

use crate::template::{
    Context, Fault, Str,
    func::{Function, function, with_context},
    funcs::encoding::bytes64,
};

pub(super) fn functions() -> Vec<(&'static str, Function)> {
    vec![("encryptAES", with_context(encrypt)), ("decryptAES", function(decrypt))]
}

const BLOCK: usize = 16;

fn key(password: &Str) -> [u8; 32] {
    let mut key = [0; 32];
    key.iter_mut().zip(password.as_bytes()).for_each(|(to, from)| *to = *from);
    key
}

fn encrypt(context: &mut Context<'_>, password: Str, text: Str) -> String {
    if text.as_bytes().is_empty() {
        return String::new();
    }
    let mut start = [0; BLOCK];
    context.env.random(&mut start);
    let encryptor = cbc::Encryptor::<Aes256>::new(&key(&password).into(), &start.into());
    let encrypted = encryptor.encrypt_padded_vec_mut::<Pkcs7>(text.as_bytes());
    STANDARD.encode([&start[..], &encrypted].concat())
}

/// What Go's code panics at is an error here, in the words of the panic.
fn decrypt(password: Str, text: Str) -> Result<Str, Fault> {
    if text.as_bytes().is_empty() {
        return Ok("".into());
    }
    let bytes = bytes64(&text).map_err(Fault::new)?;
    let Some((start, encrypted)) = bytes.split_first_chunk::<BLOCK>() else {
        let capacity = bytes.len();
        return Err(Fault::new(format!("runtime error: slice bounds out of range [:16] with capacity {capacity}")));
    };
    let decryptor = cbc::Decryptor::<Aes256>::new(&key(&password).into(), start.into());
    let decrypted = decryptor.decrypt_padded_vec_mut::<NoPadding>(encrypted);
    let mut decrypted = decrypted.map_err(|_| Fault::new("crypto/cipher: input not full blocks"))?;
    let Some(padding) = decrypted.last().copied() else {
        return Err(Fault::new("runtime error: index out of range [-1]"));
    };
    match decrypted.len().checked_sub(padding.into()) {
        Some(length) => decrypted.truncate(length),
        None => {
            let missing = usize::from(padding) - decrypted.len();
            return Err(Fault::new(format!("runtime error: slice bounds out of range [:-{missing}]")));
        }
    }
    Ok(Str::from_bytes(decrypted))
}
