//! The files of a chart's archive, a gzipped tar. It is inflated once; every file is a slice of that buffer.
//!
//! What is refused, and in which words: helm/helm `pkg/chart/loader/archive/archive.go`. The tar is read as Go's
//! `archive/tar` reads it: ustar, pax, and GNU's long names. Links become empty files, as in Helm: nothing follows them.

use std::{borrow::Cow, io::Read};

use bytes::Bytes;
use flate2::bufread::MultiGzDecoder;
use jiff::Timestamp;
use memmap2::MmapMut;

use super::{Error, File, tar::BLOCK};
use crate::template::{clean_path, fmt::quote};

/// The largest file of a chart.
pub(super) const MAX_FILE_SIZE: u64 = 5 << 20;
/// What all files of an archive may hold.
const MAX_CHART_SIZE: u64 = 100 << 20;
/// What an archive may inflate to: its files and their headers.
const MAX_INFLATED: u64 = MAX_CHART_SIZE + (16 << 20);
/// What is put aside for an archive that says how large it is, before it has proved it.
const MAX_RESERVED: usize = 16 << 20;
/// Deflate cannot do better than this.
const MAX_RATIO: usize = 1032;
/// The size of a huge page of memory.
const HUGE_PAGE: usize = 2 << 20;

/// What an archive and the archives in it may still inflate to together.
pub(super) struct Budget(pub(super) u64);

impl Default for Budget {
    fn default() -> Self {
        Self(10 * MAX_CHART_SIZE)
    }
}

/// Words for data that is no gzip, which some callers of Helm's explain.
pub(super) const NOT_GZIP: &str = "gzip: invalid header";

/// Reads all files of an archive, in its order, their names without the folder that holds the chart.
///
/// # Errors
/// Helm's words.
pub(super) fn read(archive: &[u8], budget: &mut Budget) -> Result<Vec<File>, Error> {
    match archive.len() {
        0 => return Err(Error::new("EOF")),
        1..10 => return Err(unexpected_end()),
        _ if !is_gzip(archive) => return Err(Error::new(NOT_GZIP)),
        _ => {}
    }
    let (data, end) = inflate(archive, budget);
    let mut tar = Tar { data, at: 0, end };
    let mut files = Vec::new();
    let mut remaining = MAX_CHART_SIZE;
    while let Some(entry) = tar.next()? {
        let name = inner_name(&entry.name)?;
        if entry.size > remaining {
            return Err(too_large());
        }
        if entry.size > MAX_FILE_SIZE {
            return Err(Error::new(format!(
                "decompressed chart file {} is larger than the maximum file size {MAX_FILE_SIZE}",
                quote(entry.name.as_bytes())
            )));
        }
        remaining -= entry.size;
        let data = tar.take(entry.stored)?;
        if entry.stored < entry.size || remaining == 0 {
            return Err(too_large());
        }
        files.push(File { name, data: without_bom(data), modified: entry.modified });
    }
    if files.is_empty() {
        return Err(Error::new("no files in chart archive"));
    }
    Ok(files)
}

/// Whether the data begins as gzip does.
pub(super) fn is_gzip(data: &[u8]) -> bool {
    data.starts_with(&[0x1f, 0x8b, 8])
}

fn unexpected_end() -> Error {
    Error::new("unexpected EOF")
}

fn too_large() -> Error {
    Error::new(format!("decompressed chart is larger than the maximum size {MAX_CHART_SIZE}"))
}

/// The data without the mark that some editors put before UTF-8.
pub(super) fn without_bom(mut data: Bytes) -> Bytes {
    if data.starts_with(b"\xef\xbb\xbf") { data.split_off(3) } else { data.split_off(0) }
}

/// All that can be inflated, and why there is no more if that was not the end.
fn inflate(archive: &[u8], budget: &mut Budget) -> (Bytes, Option<Error>) {
    let claimed = archive.last_chunk::<4>().map_or(0, |size| u32::from_le_bytes(*size) as usize);
    let possible = archive.len().saturating_mul(MAX_RATIO);
    let limit = MAX_INFLATED.min(budget.0);
    if (HUGE_PAGE..=MAX_RESERVED.min(possible)).contains(&claimed)
        && (claimed as u64) < limit
        && let Some(data) = inflate_exactly(archive, claimed)
    {
        budget.0 -= claimed as u64;
        return (data, None);
    }
    let mut data = Vec::with_capacity(claimed.min(possible).min(MAX_RESERVED) + 1);
    let end = match MultiGzDecoder::new(archive).take(limit).read_to_end(&mut data) {
        Ok(size) if size as u64 == limit => Some(too_large()),
        Ok(_) => None,
        Err(error) if error.kind() == std::io::ErrorKind::UnexpectedEof => Some(unexpected_end()),
        Err(error) => Some(Error::new(format!("flate: {error}"))),
    };
    budget.0 -= data.len() as u64;
    (Bytes::from(data), end)
}

/// An archive that holds what it claims, in huge pages: to be given thousands of small ones takes longer than the
/// inflating.
fn inflate_exactly(archive: &[u8], size: usize) -> Option<Bytes> {
    let mut data = MmapMut::map_anon(size.next_multiple_of(HUGE_PAGE)).ok()?;
    // A system without huge pages refuses, and gives small ones.
    #[cfg(target_os = "linux")]
    let _ = data.advise(memmap2::Advice::HugePage);
    let mut decoder = MultiGzDecoder::new(archive);
    decoder.read_exact(data.get_mut(..size)?).ok()?;
    let is_all = decoder.read(&mut [0]).ok()? == 0;
    is_all.then(|| Bytes::from_owner(data).slice(..size))
}

/// The path below the chart's folder.
fn inner_name(name: &str) -> Result<String, Error> {
    let delimiter = if name.contains('\\') { '\\' } else { '/' };
    let (folder, inner) = name.split_once(delimiter).unwrap_or((name, ""));
    let inner = if delimiter == '\\' { inner.replace('\\', "/") } else { inner.to_owned() };
    if inner.starts_with('/') {
        return Err(Error::new("chart illegally contains absolute paths"));
    }
    let inner = clean_path(&inner);
    if inner == "." {
        let problem =
            format!("chart illegally contains content outside the base directory: {}", quote(name.as_bytes()));
        return Err(Error::new(problem));
    }
    if inner.starts_with("..") {
        return Err(Error::new("chart illegally references parent directory"));
    }
    if matches!(inner.as_bytes(), [drive, b':', b'/', ..] if drive.is_ascii_alphabetic()) {
        return Err(Error::new("chart contains illegally named files"));
    }
    if folder == "Chart.yaml" {
        return Err(Error::new("chart yaml not in base directory"));
    }
    Ok(inner)
}

/// A file of a tar.
struct Entry {
    name: String,
    /// How long its header says it is.
    size: u64,
    /// How much of it follows the header: nothing for links and devices.
    stored: u64,
    modified: Option<Timestamp>,
}

/// What a header or several that belong together say of the next file.
#[derive(Default)]
struct Extended {
    name: Option<String>,
    size: Option<u64>,
    modified: Option<Timestamp>,
}

struct Tar {
    data: Bytes,
    at: usize,
    /// Why the data ends where it does, where it should not.
    end: Option<Error>,
}

impl Tar {
    /// The next entry that is neither a folder nor a global header.
    fn next(&mut self) -> Result<Option<Entry>, Error> {
        let mut extended = Extended::default();
        while let Some(header) = self.header()? {
            let header = Header(&header);
            let size = u64::try_from(header.number(124..136)?).map_err(|_| invalid())?;
            match header.kind() {
                b'x' => extended.read_pax(&self.take(size)?)?,
                b'g' => {
                    self.take(size)?;
                    extended = Extended::default();
                }
                b'L' => extended.name = Some(text(&self.take(size)?).into_owned()),
                b'K' => {
                    self.take(size)?;
                }
                b'S' => return Err(sparse()),
                _ => {
                    let entry = header.entry(size, std::mem::take(&mut extended))?;
                    if !header.is_folder(&entry.name)? {
                        return Ok(Some(entry));
                    }
                    self.take(entry.stored)?;
                }
            }
        }
        Ok(None)
    }

    /// The next header, `None` at the end: two blocks of zeros, or no more data.
    fn header(&mut self) -> Result<Option<Bytes>, Error> {
        if self.at >= self.data.len() {
            return self.end.clone().map_or(Ok(None), Err);
        }
        let block = self.take(BLOCK as u64)?;
        if block.iter().any(|byte| *byte != 0) {
            return Ok(Some(block));
        }
        let second = self.data.get(self.at..self.at + BLOCK).unwrap_or_default();
        if second.iter().all(|byte| *byte == 0) { Ok(None) } else { Err(invalid()) }
    }

    /// The next bytes, padded to a whole block.
    fn take(&mut self, size: u64) -> Result<Bytes, Error> {
        let rest = self.data.len() - self.at.min(self.data.len());
        let size = usize::try_from(size).ok().filter(|size| *size <= rest);
        let size = size.ok_or_else(|| self.end.clone().unwrap_or_else(unexpected_end))?;
        let start = self.at;
        self.at += size.next_multiple_of(BLOCK);
        Ok(self.data.slice(start..start + size))
    }
}

fn invalid() -> Error {
    Error::new("archive/tar: invalid tar header")
}

/// Files with holes, which Go reads and no chart has.
fn sparse() -> Error {
    Error::new("archive/tar: sparse files are not supported")
}

/// Text up to the first zero.
fn text(bytes: &[u8]) -> Cow<'_, str> {
    let end = bytes.iter().position(|byte| *byte == 0).unwrap_or(bytes.len());
    String::from_utf8_lossy(bytes.get(..end).unwrap_or_default())
}

/// A block that is a header.
struct Header<'a>(&'a [u8]);

impl Header<'_> {
    fn field(&self, range: std::ops::Range<usize>) -> &[u8] {
        self.0.get(range).unwrap_or_default()
    }

    fn kind(&self) -> u8 {
        self.0.get(156).copied().unwrap_or_default()
    }

    fn entry(&self, size: u64, extended: Extended) -> Result<Entry, Error> {
        self.check_sum()?;
        let size = extended.size.unwrap_or(size);
        let header_only = (b'1'..=b'6').contains(&self.kind());
        let seconds = self.number(136..148)?;
        Ok(Entry {
            name: extended.name.unwrap_or_else(|| self.name()),
            size,
            stored: if header_only { 0 } else { size },
            modified: extended.modified.or_else(|| Timestamp::from_second(seconds).ok()),
        })
    }

    fn name(&self) -> String {
        let name = text(self.field(0..100));
        let prefix = if self.field(257..263) == b"ustar\0" { text(self.field(345..500)) } else { "".into() };
        if prefix.is_empty() { name.into_owned() } else { format!("{prefix}/{name}") }
    }

    fn is_folder(&self, name: &str) -> Result<bool, Error> {
        let regular = matches!(self.kind(), b'0' | 0);
        let mode = self.number(100..108)?;
        Ok(self.kind() == b'5' || regular && name.ends_with('/') || mode & !0o7777 == 0o40000)
    }

    fn check_sum(&self) -> Result<(), Error> {
        let sum = |range| self.field(range).iter().map(|byte| i64::from(*byte)).sum::<i64>();
        let blanks = 8 * i64::from(b' ');
        if self.octal(148..156)? == sum(0..148) + blanks + sum(156..BLOCK) { Ok(()) } else { Err(invalid()) }
    }

    /// A number in octal digits, or in GNU's big-endian bytes where the first bit is set.
    fn number(&self, range: std::ops::Range<usize>) -> Result<i64, Error> {
        let (first, rest) = match self.field(range.clone()) {
            [first, rest @ ..] if first & 0x80 != 0 => (first & 0x7f, rest),
            _ => return self.octal(range),
        };
        let flip = if first & 0x40 == 0 { 0 } else { 0xff };
        let bytes = std::iter::once(first ^ flip & 0x7f).chain(rest.iter().map(|byte| byte ^ flip));
        let number = bytes
            .into_iter()
            .try_fold(0_i64, |number, byte| number.checked_mul(256).map(|number| number | i64::from(byte)));
        number.map(|number| if flip == 0 { number } else { !number }).ok_or_else(invalid)
    }

    fn octal(&self, range: std::ops::Range<usize>) -> Result<i64, Error> {
        let digits = self.field(range);
        let digits = std::str::from_utf8(digits).map_err(|_| invalid())?;
        let digits = digits.trim_matches([' ', '\0']);
        let digits = digits.split('\0').next().unwrap_or_default();
        if digits.is_empty() { Ok(0) } else { i64::from_str_radix(digits, 8).map_err(|_| invalid()) }
    }
}

impl Extended {
    /// Records of the form `LENGTH KEY=VALUE\n`.
    fn read_pax(&mut self, records: &[u8]) -> Result<(), Error> {
        let records = std::str::from_utf8(records).map_err(|_| invalid())?;
        let mut rest = records;
        while !rest.is_empty() {
            let (length, _) = rest.split_once(' ').ok_or_else(invalid)?;
            let size: usize = length.parse().map_err(|_| invalid())?;
            let record = rest.get(length.len() + 1..size).and_then(|record| record.strip_suffix('\n'));
            let (key, value) = record.and_then(|record| record.split_once('=')).ok_or_else(invalid)?;
            match key {
                "path" if value.contains('\0') => return Err(invalid()),
                "path" if !value.is_empty() => self.name = Some(value.to_owned()),
                "size" => self.size = Some(value.parse().map_err(|_| invalid())?),
                "mtime" => self.modified = Some(pax_time(value).ok_or_else(invalid)?),
                key if key.starts_with("GNU.sparse.") => return Err(sparse()),
                _ => {}
            }
            rest = rest.get(size..).unwrap_or_default();
        }
        Ok(())
    }
}

/// Seconds since 1970 with a fraction.
fn pax_time(text: &str) -> Option<Timestamp> {
    let (seconds, fraction) = text.split_once('.').unwrap_or((text, ""));
    let nanoseconds = format!("{fraction:0<9}").get(..9)?.parse::<i32>().ok()?;
    let nanoseconds = if text.starts_with('-') { -nanoseconds } else { nanoseconds };
    Timestamp::new(seconds.parse().ok()?, nanoseconds).ok()
}
