//! One file of a tar as Go's `archive/tar` writes it: ustar, with a pax header where the name does not fit.

use std::io::{self, Write};

use super::File;

/// Size of a block.
pub(super) const BLOCK: usize = 512;
/// What ends a tar.
pub(super) const END: [u8; 2 * BLOCK] = [0; 2 * BLOCK];

/// Writes a file, readable by all and writable by its owner.
pub(super) fn write(out: &mut impl Write, file: &File) -> io::Result<()> {
    let seconds = file.modified.map_or(0, |time| time.round(jiff::Unit::Second).unwrap_or(time).as_second());
    let (prefix, name) = match split(&file.name) {
        Some(parts) => parts,
        None => {
            let record = pax_record("path", &file.name);
            let (folder, base) = file.name.rsplit_once('/').unwrap_or(("", &file.name));
            let pax_name = ascii(&format!("{folder}/PaxHeaders.0/{base}"));
            out.write_all(&header("", &pax_name, record.len(), 0, b'x'))?;
            padded(out, record.as_bytes())?;
            ("", "")
        }
    };
    let name = if name.is_empty() { ascii(&file.name) } else { name.to_owned() };
    out.write_all(&header(prefix, &name, file.data.len(), seconds, b'0'))?;
    padded(out, &file.data)
}

/// Prefix and name of a path that ustar can hold.
fn split(path: &str) -> Option<(&str, &str)> {
    if !path.is_ascii() {
        return None;
    }
    if path.len() <= 100 {
        return Some(("", path));
    }
    let longest = path.get(..path.len().min(156))?;
    let at = longest.rfind('/')?;
    let (prefix, name) = (path.get(..at)?, path.get(at + 1..)?);
    (!prefix.is_empty() && !name.is_empty() && name.len() <= 100).then_some((prefix, name))
}

fn ascii(text: &str) -> String {
    text.chars().filter(char::is_ascii).collect()
}

/// `LENGTH KEY=VALUE\n`, where the length counts itself.
fn pax_record(key: &str, value: &str) -> String {
    let rest = format!(" {key}={value}\n");
    let mut length = rest.len();
    loop {
        let record = format!("{length}{rest}");
        if record.len() == length {
            return record;
        }
        length = record.len();
    }
}

fn header(prefix: &str, name: &str, size: usize, seconds: i64, kind: u8) -> [u8; BLOCK] {
    let mut block = [0; BLOCK];
    let mut put = |at: usize, text: &[u8], most: usize| {
        let fields = block.iter_mut().skip(at).take(most);
        fields.zip(text).for_each(|(byte, value)| *byte = *value);
    };
    put(0, name.as_bytes(), 100);
    for (at, mode) in [(100, "0000644"), (108, "0000000"), (116, "0000000"), (329, "0000000"), (337, "0000000")] {
        put(at, mode.as_bytes(), 7);
    }
    put(124, format!("{size:011o}").as_bytes(), 11);
    put(136, format!("{:011o}", seconds.max(0)).as_bytes(), 11);
    put(148, b"        ", 8);
    put(156, &[kind], 1);
    put(257, b"ustar\x0000", 8);
    put(345, prefix.as_bytes(), 155);
    let sum: u32 = block.iter().map(|byte| u32::from(*byte)).sum();
    let sum = format!("{sum:06o}\0 ");
    block.iter_mut().skip(148).zip(sum.as_bytes()).for_each(|(byte, value)| *byte = *value);
    block
}

fn padded(out: &mut impl Write, data: &[u8]) -> io::Result<()> {
    out.write_all(data)?;
    let rest = data.len().next_multiple_of(BLOCK) - data.len();
    out.write_all(END.get(..rest).unwrap_or_default())
}
