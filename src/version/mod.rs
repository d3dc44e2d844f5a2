//! Semantic versions and constraints as Masterminds/semver 3.5 reads them: `v1.2` is a version, `^1.2`, `>=1 <2 || 3.x`
//! and `1.2 - 2` are constraints.

mod constraint;
mod scan;

use std::{cmp::Ordering, fmt};

pub use constraint::Constraint;

/// The longest text that is read as a version.
const MAX_VERSION_LENGTH: usize = 256;
const INVALID: &str = "invalid semantic version";
const STARTS_WITH_ZERO: &str = "version segment starts with 0";

/// A version, with the text it was read from.
#[derive(Debug, Clone)]
pub struct Version {
    /// Major, minor, patch; missing parts are 0.
    pub major: u64,
    /// Second part.
    pub minor: u64,
    /// Third part.
    pub patch: u64,
    /// What follows `-`, or empty.
    pub prerelease: String,
    /// What follows `+`, or empty.
    pub metadata: String,
    /// The text as it was given.
    pub original: String,
}

impl Version {
    /// Reads a version leniently, as `semver.NewVersion` does: with or without `v`, with one to three parts, which may
    /// have leading zeros.
    ///
    /// # Errors
    /// Masterminds' words, such as `invalid semantic version`.
    pub fn parse(text: &str) -> Result<Self, String> {
        if text.len() > MAX_VERSION_LENGTH {
            return Err(too_long());
        }
        let found = scan::version(text, |byte| byte.is_ascii_digit());
        let parts = found.filter(|parts| parts.end == text.len()).ok_or(INVALID)?;
        let segment = |digits: &str| number(digits).map_err(|error| format!("error parsing version segment: {error}"));
        let version = Self {
            major: segment(parts.major)?,
            minor: segment(parts.minor.unwrap_or("0"))?,
            patch: segment(parts.patch.unwrap_or("0"))?,
            prerelease: parts.prerelease.unwrap_or_default().to_owned(),
            metadata: parts.metadata.unwrap_or_default().to_owned(),
            original: text.to_owned(),
        };
        if let Some(prerelease) = parts.prerelease {
            check_prerelease(prerelease)?;
        }
        Ok(version)
    }

    /// Reads a version by the letter of the specification, as `semver.StrictNewVersion` does.
    ///
    /// # Errors
    /// Masterminds' words, such as `version string empty`.
    pub fn parse_strict(text: &str) -> Result<Self, String> {
        if text.is_empty() {
            return Err("version string empty".to_owned());
        }
        if text.len() > MAX_VERSION_LENGTH {
            return Err(too_long());
        }
        let mut parts = text.splitn(3, '.');
        let (Some(major), Some(minor), Some(rest)) = (parts.next(), parts.next(), parts.next()) else {
            return Err(INVALID.to_owned());
        };
        let (rest, metadata) = rest.split_once('+').map_or((rest, None), |(rest, after)| (rest, Some(after)));
        metadata.map_or(Ok(()), check_metadata)?;
        let (patch, prerelease) = rest.split_once('-').map_or((rest, None), |(rest, after)| (rest, Some(after)));
        prerelease.map_or(Ok(()), check_prerelease)?;
        for part in [major, minor, patch] {
            if !part.bytes().all(|byte| byte.is_ascii_digit()) {
                return Err("invalid characters in version".to_owned());
            }
            if starts_with_zero(part) {
                return Err(STARTS_WITH_ZERO.to_owned());
            }
        }
        Ok(Self {
            major: number(major)?,
            minor: number(minor)?,
            patch: number(patch)?,
            prerelease: prerelease.unwrap_or_default().to_owned(),
            metadata: metadata.unwrap_or_default().to_owned(),
            original: text.to_owned(),
        })
    }

    /// The order of semantic versions; metadata does not count.
    pub fn compare(&self, other: &Self) -> Ordering {
        (self.major, self.minor, self.patch).cmp(&(other.major, other.minor, other.patch)).then_with(|| {
            match (self.prerelease.is_empty(), other.prerelease.is_empty()) {
                (true, true) => Ordering::Equal,
                (true, false) => Ordering::Greater,
                (false, true) => Ordering::Less,
                (false, false) => compare_prereleases(&self.prerelease, &other.prerelease),
            }
        })
    }

    /// The next patch version; of a prerelease the version that it leads to.
    ///
    /// # Errors
    /// Masterminds' panic where the number is the largest there is.
    pub fn increment_patch(&self) -> Result<Self, String> {
        let by = u64::from(self.prerelease.is_empty());
        let patch = self.patch.checked_add(by).ok_or("patch version increment would overflow uint64")?;
        Ok(self.derived(self.major, self.minor, patch, "", ""))
    }

    /// The next minor version.
    ///
    /// # Errors
    /// Masterminds' panic where the number is the largest there is.
    pub fn increment_minor(&self) -> Result<Self, String> {
        let minor = self.minor.checked_add(1).ok_or("minor version increment would overflow uint64")?;
        Ok(self.derived(self.major, minor, 0, "", ""))
    }

    /// The next major version.
    ///
    /// # Errors
    /// Masterminds' panic where the number is the largest there is.
    pub fn increment_major(&self) -> Result<Self, String> {
        let major = self.major.checked_add(1).ok_or("major version increment would overflow uint64")?;
        Ok(self.derived(major, 0, 0, "", ""))
    }

    /// This version with another prerelease.
    ///
    /// # Errors
    /// Masterminds' words on an invalid prerelease.
    pub fn with_prerelease(&self, prerelease: &str) -> Result<Self, String> {
        if !prerelease.is_empty() {
            check_prerelease(prerelease)?;
        }
        Ok(self.derived(self.major, self.minor, self.patch, prerelease, &self.metadata))
    }

    /// This version with other metadata.
    ///
    /// # Errors
    /// Masterminds' words on invalid metadata.
    pub fn with_metadata(&self, metadata: &str) -> Result<Self, String> {
        if !metadata.is_empty() {
            check_metadata(metadata)?;
        }
        Ok(self.derived(self.major, self.minor, self.patch, &self.prerelease, metadata))
    }

    /// A version made from this one: its original text keeps a leading `v`.
    fn derived(&self, major: u64, minor: u64, patch: u64, prerelease: &str, metadata: &str) -> Self {
        let (prerelease, metadata) = (prerelease.to_owned(), metadata.to_owned());
        let mut version = Self { major, minor, patch, prerelease, metadata, original: String::new() };
        version.original = format!("{}{version}", if self.original.starts_with('v') { "v" } else { "" });
        version
    }
}

impl fmt::Display for Version {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}.{}.{}", self.major, self.minor, self.patch)?;
        if !self.prerelease.is_empty() {
            write!(f, "-{}", self.prerelease)?;
        }
        if !self.metadata.is_empty() {
            write!(f, "+{}", self.metadata)?;
        }
        Ok(())
    }
}

fn too_long() -> String {
    format!("version string is too long (max {MAX_VERSION_LENGTH} bytes)")
}

/// The digits as a number, or `strconv.ParseUint`'s words.
fn number(digits: &str) -> Result<u64, String> {
    digits.parse().map_err(|_| {
        let why = if digits.is_empty() { "invalid syntax" } else { "value out of range" };
        format!("strconv.ParseUint: parsing {digits:?}: {why}")
    })
}

fn starts_with_zero(digits: &str) -> bool {
    digits.len() > 1 && digits.starts_with('0')
}

fn check_prerelease(text: &str) -> Result<(), String> {
    for part in text.split('.') {
        let only_digits = part.bytes().all(|byte| byte.is_ascii_digit());
        if part.is_empty() || !part.bytes().all(scan::is_identifier) {
            return Err("invalid prerelease string".to_owned());
        }
        if only_digits && starts_with_zero(part) {
            return Err(STARTS_WITH_ZERO.to_owned());
        }
    }
    Ok(())
}

fn check_metadata(text: &str) -> Result<(), String> {
    let valid = text.split('.').all(|part| !part.is_empty() && part.bytes().all(scan::is_identifier));
    if valid { Ok(()) } else { Err("invalid metadata string".to_owned()) }
}

/// Part by part; a missing part comes first, numbers before words.
fn compare_prereleases(one: &str, other: &str) -> Ordering {
    let (mut ones, mut others) = (one.split('.'), other.split('.'));
    loop {
        let (one, other) = match (ones.next(), others.next()) {
            (None, None) => return Ordering::Equal,
            (one, other) => (one.unwrap_or_default(), other.unwrap_or_default()),
        };
        let order = match (one.parse::<u64>(), other.parse::<u64>()) {
            _ if one.is_empty() || other.is_empty() => one.len().cmp(&other.len()),
            (Ok(one), Ok(other)) => one.cmp(&other),
            (Ok(_), Err(_)) => Ordering::Less,
            (Err(_), Ok(_)) => Ordering::Greater,
            (Err(_), Err(_)) => one.cmp(other),
        };
        if order.is_ne() {
            return order;
        }
    }
}

#[cfg(test)]
mod tests;
