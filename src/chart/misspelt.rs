//! Names that are nearly those that Helm looks for, and passes over in silence.

use std::collections::BTreeSet;

use super::Chart;

/// What Helm looks for at the top of a chart.
const KNOWN: [&str; 7] =
    ["Chart.yaml", "values.yaml", "values.schema.json", "Chart.lock", "templates", "charts", "crds"];

impl Chart {
    /// A sentence on a file or folder whose name is nearly one that Helm looks for and does not find.
    pub fn misspelt(&self) -> Option<String> {
        hint(self.raw.iter().map(|file| file.name.as_str()))
    }
}

/// A sentence on a path that begins nearly as one that Helm looks for and that is not there.
pub(super) fn hint<'a>(paths: impl Iterator<Item = &'a str>) -> Option<String> {
    let tops: BTreeSet<&str> = paths.filter_map(|path| path.split('/').next()).collect();
    let missing = KNOWN.iter().filter(|known| !tops.contains(*known));
    missing.flat_map(|known| tops.iter().map(move |top| (known, top))).find_map(|(known, top)| {
        let allowed = if known.len() < 6 { 1 } else { 2 };
        let is_near = !KNOWN.contains(top) && distance(&top.to_lowercase(), &known.to_lowercase()) <= allowed;
        is_near.then(|| format!("there is {top}, which Helm does not look at: did you mean {known}?"))
    })
}

/// Levenshtein's distance.
fn distance(one: &str, other: &str) -> usize {
    let mut row: Vec<usize> = (0..=other.chars().count()).collect();
    for (at, left) in one.chars().enumerate() {
        let mut diagonal = std::mem::replace(&mut row[0], at + 1);
        for (column, right) in other.chars().enumerate() {
            let replaced = diagonal + usize::from(left != right);
            diagonal = row[column + 1];
            row[column + 1] = replaced.min(diagonal + 1).min(row[column] + 1);
        }
    }
    row.last().copied().unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(paths: &[&str], expected: Option<&str>) {
        let meant = hint(paths.iter().copied()).map(|hint| hint.rsplit(' ').next().unwrap().to_owned());
        assert_eq!(meant.as_deref(), expected, "{paths:?}");
    }

    #[test]
    fn near_names_are_hinted_at() {
        check(&["chart.yaml", "values.yaml"], Some("Chart.yaml?"));
        check(&["Charts.yaml"], Some("Chart.yaml?"));
        check(&["Chart.yml"], Some("Chart.yaml?"));
        check(&["Chart.yaml", "templete/x.yaml"], Some("templates?"));
        check(&["Chart.yaml", "templates/x.yaml", "value.yaml"], Some("values.yaml?"));
        check(&["Chart.yaml", "templates/x.yaml", "chart/x/Chart.yaml"], Some("charts?"));
        check(&["Chart.yaml", "crd/x.yaml"], Some("crds?"));
    }

    #[test]
    fn other_names_are_left_alone() {
        check(&["Chart.yaml", "values.yaml", "value.yaml"], None);
        check(
            &["Chart.yaml", "README.md", "ci/x.yaml", "docs/x", "files/x", "values-dev.yaml", "src/x", "LICENSE"],
            None,
        );
        check(&["Chart.yaml", "charts/a/b", "crds/x", "templates/x"], None);
        check(&[], None);
    }
}
