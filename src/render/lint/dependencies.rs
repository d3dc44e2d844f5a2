//! `charts/` beside what `Chart.yaml` names (helm/helm `pkg/chart/v2/lint/rules/dependencies.go`).

use super::{Linter, when};

impl Linter<'_> {
    pub(super) fn dependencies(&mut self) {
        let subject = self.subject;
        let chart = match &subject.chart {
            Ok(chart) => chart,
            Err(error) => {
                self.error("", Some(format!("unable to load chart\n\t{error}")));
                return;
            }
        };
        let named = &chart.metadata.dependencies;
        let loaded = &chart.dependencies;
        let unnamed = loaded.iter().map(|sub_chart| sub_chart.name());
        let unnamed: Vec<&str> =
            unnamed.filter(|name| named.iter().all(|dependency| dependency.name != *name)).collect();
        self.error(&subject.path, list("chart metadata is missing these dependencies", &unnamed));
        let shadowed = named
            .iter()
            .enumerate()
            .filter(|(place, dependency)| named.iter().take(*place).any(|before| before.key() == dependency.key()));
        let shadowed: Vec<&str> = shadowed.map(|(_, dependency)| dependency.key()).collect();
        self.error(&subject.path, list("multiple dependencies with name or alias", &shadowed));
        let missing = named.iter().map(|dependency| dependency.name.as_str());
        let missing: Vec<&str> =
            missing.filter(|name| loaded.iter().all(|sub_chart| sub_chart.name() != *name)).collect();
        self.warning(&subject.path, list("chart directory is missing these dependencies", &missing));
    }
}

fn list(words: &str, names: &[&str]) -> Option<String> {
    when(!names.is_empty(), || format!("{words}: {}", names.join(",")))
}
