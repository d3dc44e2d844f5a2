//! A plan as bytes: a line that says what it is, then JSON. For recipients the whole of it is encrypted with age.
//!
//! ```text
//! pilothouse-plan 1 SHA-256-OF-THE-REST
//! {"program":"0.1.0","made":"2026-11-21T10:00:00Z", …}
//! ```

use std::io::{Read, Write};

use age::{Decryptor, Encryptor, IdentityFile, x25519};
use serde::Deserialize;
use sha2::{Digest, Sha256};

use super::{Error, Plan};

/// Version of the form. A plan of another is refused; raise it when old plans would be understood wrongly.
const FORM: &str = "1";

const MARK: &str = "pilothouse-plan";

/// How every file of age begins.
const AGE: &[u8] = b"age-encryption.org/";

/// Who may open a plan.
pub struct Recipient(x25519::Recipient);

impl std::str::FromStr for Recipient {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self, Error> {
        text.parse().map(Self).map_err(|_| Error::NoRecipient(text.to_owned()))
    }
}

/// What opens an encrypted plan.
#[derive(Default)]
pub struct Identities(Vec<Box<dyn age::Identity + Send + Sync>>);

impl Identities {
    /// Adds the identities of a file as `age-keygen` writes it.
    ///
    /// # Errors
    /// [`Error::NoIdentity`], without a word of what is in the file.
    pub fn add(&mut self, file: &[u8]) -> Result<(), Error> {
        let no_identity = |error: &dyn std::fmt::Display| Error::NoIdentity(error.to_string());
        let file = IdentityFile::from_buffer(file).map_err(|error| no_identity(&error))?;
        let identities = file.into_identities().map_err(|error| no_identity(&error))?;
        if identities.is_empty() {
            return Err(no_identity(&"the file is empty"));
        }
        self.0.extend(identities);
        Ok(())
    }
}

impl Plan {
    /// The plan as a file, encrypted if there are recipients.
    ///
    /// # Errors
    /// [`Error::Unwritten`].
    pub fn to_bytes(&self, recipients: &[Recipient]) -> Result<Vec<u8>, Error> {
        let unwritten = |error: &dyn std::fmt::Display| Error::Unwritten(error.to_string());
        let body = serde_json::to_vec(self).map_err(|error| unwritten(&error))?;
        let mut plain = format!("{MARK} {FORM} {}\n", digest(&body)).into_bytes();
        plain.extend(body);
        if recipients.is_empty() {
            return Ok(plain);
        }
        let recipients = recipients.iter().map(|Recipient(recipient)| recipient as &dyn age::Recipient);
        let encryptor = Encryptor::with_recipients(recipients).map_err(|error| unwritten(&error))?;
        let mut sealed = Vec::new();
        let written = encryptor.wrap_output(&mut sealed).and_then(|mut writer| {
            writer.write_all(&plain)?;
            writer.finish()
        });
        written.map_err(|error| unwritten(&error))?;
        Ok(sealed)
    }

    /// Reads a file back.
    ///
    /// # Errors
    /// Those of [`Error`] that tell what is wrong with a file.
    pub fn from_bytes(bytes: &[u8], identities: &Identities) -> Result<Self, Error> {
        if bytes.starts_with(AGE) { read(&open(bytes, identities)?) } else { read(bytes) }
    }
}

fn open(bytes: &[u8], Identities(identities): &Identities) -> Result<Vec<u8>, Error> {
    if identities.is_empty() {
        return Err(Error::Sealed);
    }
    let decryptor = Decryptor::new_buffered(bytes).map_err(|_| Error::Damaged)?;
    let identities = identities.iter().map(|identity| &**identity as &dyn age::Identity);
    let opened = decryptor.decrypt(identities).map_err(|error| match error {
        age::DecryptError::NoMatchingKeys => Error::OtherIdentity,
        _ => Error::Damaged,
    });
    let mut plain = Vec::new();
    opened?.read_to_end(&mut plain).map_err(|_| Error::Damaged)?;
    Ok(plain)
}

fn read(plain: &[u8]) -> Result<Plan, Error> {
    let end = plain.iter().position(|byte| *byte == b'\n').ok_or(Error::Foreign)?;
    let (head, body) = (String::from_utf8_lossy(&plain[..end]), &plain[end + 1..]);
    let [mark, form, sum] = head.split(' ').collect::<Vec<_>>()[..] else {
        return Err(Error::Foreign);
    };
    if mark != MARK {
        return Err(Error::Foreign);
    }
    if form != FORM {
        return Err(Error::Version(format!("form {form}")));
    }
    if sum != digest(body) {
        return Err(Error::Damaged);
    }
    // What was written whole and still cannot be read has fields that this version lacks, or lacks some.
    serde_json::from_slice(body).map_err(|_| Error::Version(program(body)))
}

/// The version of the program that wrote a plan which cannot be read as one.
fn program(body: &[u8]) -> String {
    #[derive(Deserialize)]
    struct Made {
        program: String,
    }
    serde_json::from_slice::<Made>(body).map_or_else(|_| "unknown".to_owned(), |made| made.program)
}

fn digest(bytes: &[u8]) -> String {
    Sha256::digest(bytes).iter().map(|byte| format!("{byte:02x}")).collect()
}
