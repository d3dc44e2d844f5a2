//! Constraints: groups with `||` between them, each of comparisons that must all hold.

use std::{cmp::Ordering, fmt};

use super::{Version, scan};

const MAX_LENGTH: usize = 512;
const MAX_GROUPS: usize = 32;
/// The operators, longer ones before those that they begin with.
const OPERATORS: &[(&str, Operator)] = &[
    ("!=", Operator::NotEqual),
    (">=", Operator::AtLeast),
    ("=>", Operator::AtLeast),
    ("<=", Operator::AtMost),
    ("=<", Operator::AtMost),
    ("~>", Operator::Tilde),
    ("=", Operator::Equal),
    (">", Operator::Above),
    ("<", Operator::Below),
    ("~", Operator::Tilde),
    ("^", Operator::Caret),
    ("", Operator::Equal),
];

/// A constraint on versions.
#[derive(Debug, Clone)]
pub struct Constraint {
    groups: Vec<Group>,
}

/// Comparisons that must all hold.
#[derive(Debug, Clone)]
struct Group {
    comparisons: Vec<Comparison>,
    /// Whether one of them names a prerelease: only then prereleases satisfy the group.
    takes_prereleases: bool,
}

#[derive(Debug, Clone)]
struct Comparison {
    operator: Operator,
    /// The operator as it was written.
    sign: &'static str,
    /// The version as it was written, such as `4.x`.
    original: String,
    version: Version,
    /// How many leading parts of the version count; the rest was left out or written as `x`, `X` or `*`.
    precision: Precision,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Operator {
    Equal,
    NotEqual,
    Above,
    Below,
    AtLeast,
    AtMost,
    Tilde,
    Caret,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Precision {
    Nothing,
    Major,
    Minor,
    Full,
}

impl Constraint {
    /// Reads a constraint.
    ///
    /// # Errors
    /// Masterminds' words: `improper constraint: …`.
    pub fn parse(text: &str) -> Result<Self, String> {
        if text.len() > MAX_LENGTH {
            return Err(format!("constraint string is too long (max {MAX_LENGTH} bytes)"));
        }
        let text = rewrite_ranges(text);
        if text.split("||").count() > MAX_GROUPS {
            return Err(format!("too many constraint groups (max {MAX_GROUPS})"));
        }
        let groups = text.split("||").map(Group::parse).collect::<Result<_, _>>()?;
        Ok(Self { groups })
    }

    /// Whether a version satisfies it.
    pub fn check(&self, version: &Version) -> bool {
        self.groups.iter().any(|group| {
            (version.prerelease.is_empty() || group.takes_prereleases)
                && group.comparisons.iter().all(|comparison| comparison.refusal(version).is_none())
        })
    }

    /// Whether a version satisfies it, as `Constraints.Validate` tells.
    ///
    /// # Errors
    /// The reason of every comparison that does not hold.
    pub fn validate(&self, version: &Version) -> Result<(), Vec<String>> {
        let mut reasons = Vec::new();
        let mut told_of_prerelease = false;
        for group in &self.groups {
            if !version.prerelease.is_empty() && !group.takes_prereleases {
                if !told_of_prerelease {
                    reasons.push(format!(
                        "\"{version}\" is a prerelease version and the constraint is only looking for release versions"
                    ));
                    told_of_prerelease = true;
                }
                continue;
            }
            let refusals: Vec<String> =
                group.comparisons.iter().filter_map(|comparison| comparison.refusal(version)).collect();
            if refusals.is_empty() {
                return Ok(());
            }
            reasons.extend(refusals);
        }
        Err(reasons)
    }
}

/// As `Constraints.String` writes it.
impl fmt::Display for Constraint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (index, group) in self.groups.iter().enumerate() {
            f.write_str(if index > 0 { " || " } else { "" })?;
            for (index, comparison) in group.comparisons.iter().enumerate() {
                let space = if index > 0 { " " } else { "" };
                write!(f, "{space}{}{}", comparison.sign, comparison.original)?;
            }
        }
        Ok(())
    }
}

impl Group {
    fn parse(text: &str) -> Result<Self, String> {
        // The text is valid before any comparison is read: the first fault found in Go is that of the shape.
        let pieces = split_group(text).ok_or_else(|| format!("improper constraint: {text:?}"))?;
        let comparisons = pieces
            .into_iter()
            .map(|(sign, operator, version)| Comparison::parse(sign, operator, version))
            .collect::<Result<Vec<_>, _>>()?;
        let takes_prereleases = comparisons.iter().any(|comparison| !comparison.version.prerelease.is_empty());
        Ok(Self { comparisons, takes_prereleases })
    }
}

impl Comparison {
    fn parse(sign: &'static str, operator: Operator, text: &str) -> Result<Self, String> {
        const BROKEN: &str = "constraint parser error";
        let parts = scan::version(text, is_number_or_wildcard).ok_or(BROKEN)?;
        let suffix = parts.prerelease.map(|prerelease| format!("-{prerelease}")).unwrap_or_default();
        let (precision, version) = match (parts.major, parts.minor, parts.patch) {
            (major, _, _) if is_wildcard(major) => (Precision::Nothing, format!("0.0.0{suffix}")),
            (major, minor, _) if minor.is_none_or(is_wildcard) => (Precision::Major, format!("{major}.0.0{suffix}")),
            (major, Some(minor), patch) if patch.is_none_or(is_wildcard) => {
                (Precision::Minor, format!("{major}.{minor}.0{suffix}"))
            }
            _ => (Precision::Full, text.to_owned()),
        };
        let version = Version::parse(&version).map_err(|_| BROKEN)?;
        Ok(Self { operator, sign, original: text.to_owned(), version, precision })
    }

    /// Why a version does not satisfy this; prereleases were judged before.
    fn refusal(&self, version: &Version) -> Option<String> {
        let words = match self.operator {
            Operator::Equal if self.precision != Precision::Full => return self.tilde(version),
            Operator::Equal => version.compare(&self.version).is_ne().then_some("is not equal to"),
            Operator::NotEqual => self.equals(version).then_some("is equal to"),
            Operator::Above => (!self.is_below(version)).then_some("is less than or equal to"),
            Operator::Below => version.compare(&self.version).is_ge().then_some("is greater than or equal to"),
            Operator::AtLeast => version.compare(&self.version).is_lt().then_some("is less than"),
            Operator::AtMost => self.is_exceeded_by(version).then_some("is greater than"),
            Operator::Tilde => return self.tilde(version),
            Operator::Caret => return self.caret(version),
        };
        words.map(|words| self.because(version, words))
    }

    fn because(&self, version: &Version, words: &str) -> String {
        format!("\"{version}\" {words} \"{}\"", self.original)
    }

    fn equals(&self, version: &Version) -> bool {
        let own = &self.version;
        let same_minor = own.major == version.major && own.minor == version.minor;
        match self.precision {
            Precision::Major => own.major == version.major,
            // Masterminds compares the prereleases alone where the patch was left out.
            Precision::Minor => {
                let releases = own.prerelease.is_empty() && version.prerelease.is_empty();
                same_minor && (releases || super::compare_prereleases(&version.prerelease, &own.prerelease).is_eq())
            }
            Precision::Nothing | Precision::Full => version.compare(own).is_eq(),
        }
    }

    /// Whether this is below the version: `>11` means 12 and up, `>11.1` means 11.2 and up.
    fn is_below(&self, version: &Version) -> bool {
        let own = &self.version;
        match (self.precision, version.major.cmp(&own.major)) {
            (Precision::Full, _) => version.compare(own).is_gt(),
            (_, Ordering::Greater) => true,
            (_, Ordering::Less) | (Precision::Major, _) => false,
            (Precision::Minor, _) => version.minor > own.minor,
            (Precision::Nothing, _) => version.compare(own).is_gt(),
        }
    }

    fn is_exceeded_by(&self, version: &Version) -> bool {
        let own = &self.version;
        match (self.precision, version.major.cmp(&own.major)) {
            (Precision::Full, _) => version.compare(own).is_gt(),
            (_, Ordering::Greater) => true,
            (Precision::Major, _) | (_, Ordering::Less) => false,
            (_, Ordering::Equal) => version.minor > own.minor,
        }
    }

    fn tilde(&self, version: &Version) -> Option<String> {
        let own = &self.version;
        let zero = (own.major, own.minor, own.patch) == (0, 0, 0);
        let words = if version.compare(own).is_lt() {
            "is less than"
        } else if zero && matches!(self.precision, Precision::Nothing | Precision::Full) {
            return None;
        } else if version.major != own.major {
            "does not have same major version as"
        } else if version.minor != own.minor && self.precision != Precision::Major {
            "does not have same major and minor version as"
        } else {
            return None;
        };
        Some(self.because(version, words))
    }

    fn caret(&self, version: &Version) -> Option<String> {
        let own = &self.version;
        let major = || Some(self.because(version, "does not have same major version as"));
        let minor = || self.because(version, "does not have same minor version as");
        if version.compare(own).is_lt() {
            return Some(self.because(version, "is less than"));
        }
        if own.major > 0 || self.precision == Precision::Major {
            return if version.major == own.major { None } else { major() };
        }
        if version.major > 0 {
            return major();
        }
        if own.minor > 0 || self.precision == Precision::Minor {
            const EXPECTED: &str = "Expected minor versions to match when constraint major version is 0";
            return (version.minor != own.minor).then(|| format!("{}. {EXPECTED}", minor()));
        }
        if version.minor > 0 {
            return Some(minor());
        }
        const EXPECTED: &str = "Expect version and constraint to equal when major and minor versions are 0";
        (version.patch != own.patch).then(|| format!("{}. {EXPECTED}", self.because(version, "does not equal")))
    }
}

/// A digit or a wildcard; Masterminds' class holds a stray `|`, so that its fault is told with its words.
fn is_number_or_wildcard(byte: u8) -> bool {
    byte.is_ascii_digit() || matches!(byte, b'x' | b'X' | b'*' | b'|')
}

fn is_wildcard(part: &str) -> bool {
    matches!(part, "x" | "X" | "*")
}

fn is_space(char: char) -> bool {
    matches!(char, ' ' | '\t' | '\n' | '\r' | '\x0c')
}

/// The comparisons of a group: signs, operators and versions as they are written, with spaces or commas between.
fn split_group(text: &str) -> Option<Vec<(&'static str, Operator, &str)>> {
    let mut pieces = Vec::new();
    let mut rest = text.trim_start_matches(is_space);
    loop {
        let (sign, operator) = OPERATORS.iter().find(|(sign, _)| rest.starts_with(sign))?;
        rest = rest[sign.len()..].trim_start_matches(is_space);
        let end = scan::version(rest, is_number_or_wildcard)?.end;
        let (version, after) = rest.split_at(end);
        pieces.push((*sign, *operator, version));
        let next = after.trim_start_matches(is_space);
        if next.is_empty() {
            return Some(pieces);
        }
        let listed = next.strip_prefix(',');
        if listed.is_none() && next.len() == after.len() {
            return None;
        }
        rest = listed.unwrap_or(next).trim_start_matches(is_space);
    }
}

/// Hyphen ranges as two comparisons: `1.2 - 2` becomes `>= 1.2, <= 2 `.
fn rewrite_ranges(text: &str) -> String {
    let mut rewritten = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(next) = rest.chars().next() {
        if let Some((low, high, after)) = range(rest) {
            rewritten.push_str(&format!(">= {low}, <= {high} "));
            rest = after;
        } else {
            rewritten.push(next);
            rest = &rest[next.len_utf8()..];
        }
    }
    rewritten
}

/// A hyphen range at the start of a text, spaces around it included: its ends and what follows.
fn range(text: &str) -> Option<(&str, &str, &str)> {
    let text = text.trim_start_matches(is_space);
    let (low, rest) = text.split_at(scan::version(text, is_number_or_wildcard)?.end);
    let dash = rest.trim_start_matches(is_space).strip_prefix('-')?;
    let next = dash.trim_start_matches(is_space);
    if !rest.starts_with(is_space) || next.len() == dash.len() {
        return None;
    }
    let (high, rest) = next.split_at(scan::version(next, is_number_or_wildcard)?.end);
    Some((low, high, rest.trim_start_matches(is_space)))
}
