//! The order of sub-charts that `--wait=ordered` keeps (the draft HIP-0025 of helm/community): `depends-on` of the
//! dependencies in `Chart.yaml`.

use std::collections::BTreeSet;

use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::Chart;
use crate::yaml;

/// Annotation of `Chart.yaml`: sub-charts that come before the chart's own objects. All of them do here.
const BEFORE_OWN: &str = "helm.sh/depends-on/subcharts";

/// Which charts come after which. Charts are called by their paths in manifests, `shop/charts/database`.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Order {
    /// Those of a stage do not depend on each other, only on earlier stages. The top chart is alone in the last.
    stages: Vec<Vec<String>>,
}

impl Order {
    /// The order of a chart as loaded, whichever of its sub-charts values will enable: each sub-chart with everything in
    /// it after those that it depends on, a chart's own objects after its sub-charts.
    ///
    /// # Errors
    /// A sentence for dependencies that go round in a circle, and for a name that is no sub-chart's.
    pub fn of(chart: &Chart) -> Result<Self, String> {
        Ok(Self { stages: stages(chart, chart.name())? })
    }

    /// How many stages there are.
    pub fn len(&self) -> usize {
        self.stages.len()
    }

    /// Whether there is nothing in it.
    pub fn is_empty(&self) -> bool {
        self.stages.is_empty()
    }

    /// The charts of a stage, without the top one before their names: `database`, `store/cache`.
    pub fn charts(&self, stage: usize) -> Vec<String> {
        let short =
            |path: &String| path.split_once("/charts/").map_or(path.clone(), |(_, rest)| rest.replace("/charts/", "/"));
        self.stages.get(stage).into_iter().flatten().map(short).collect()
    }

    /// The stage of an object, by the template it came from. What came from none, as a post-renderer may add, is the top
    /// chart's.
    pub fn stage_of(&self, source: Option<&str>) -> usize {
        let last = self.stages.len().saturating_sub(1);
        let path = source.map(chart_path).unwrap_or_default();
        self.stages.iter().position(|charts| charts.contains(&path)).unwrap_or(last)
    }
}

/// The chart of a template: `shop/charts/database` of `shop/charts/database/templates/service.yaml`.
fn chart_path(source: &str) -> String {
    let mut parts = source.split('/');
    let mut path = parts.next().unwrap_or_default().to_owned();
    while let (Some("charts"), Some(name)) = (parts.next(), parts.next()) {
        path = format!("{path}/charts/{name}");
    }
    path
}

/// The stages of a chart at a path, its own objects last.
fn stages(chart: &Chart, path: &str) -> Result<Vec<Vec<String>>, String> {
    let parts = parts(chart)?;
    let mut all = Vec::new();
    for level in levels(chart.name(), &parts)? {
        let first = all.len();
        for part in level {
            for (at, charts) in stages(part.chart, &format!("{path}/charts/{}", part.name))?.into_iter().enumerate() {
                if all.len() <= first + at {
                    all.push(Vec::new());
                }
                all[first + at].extend(charts);
            }
        }
    }
    all.push(vec![path.to_owned()]);
    Ok(all)
}

/// A sub-chart under the name that its parent knows it by.
struct Part<'a> {
    name: &'a str,
    chart: &'a Chart,
    after: BTreeSet<&'a str>,
}

/// The sub-charts of a chart: each dependency that is there, and what `Chart.yaml` does not name.
fn parts(chart: &Chart) -> Result<Vec<Part<'_>>, String> {
    let declared = &chart.metadata.dependencies;
    let unnamed = chart.dependencies.iter().filter(|loaded| declared.iter().all(|one| one.name != loaded.name()));
    let mut parts: Vec<Part> =
        unnamed.map(|chart| Part { name: chart.name(), chart, after: BTreeSet::new() }).collect();
    for dependency in declared {
        let mut after = BTreeSet::new();
        for wanted in &dependency.depends_on {
            after.extend(named(chart, wanted, &format!("sub-chart {} of {}", dependency.key(), chart.name()))?);
        }
        if let Some(loaded) = chart.dependencies.iter().find(|loaded| loaded.name() == dependency.name) {
            parts.push(Part { name: dependency.key(), chart: loaded, after });
        }
    }
    for wanted in before_own(chart)? {
        named(chart, &wanted, chart.name())?;
    }
    Ok(parts)
}

/// The sub-charts that a name means: one by its alias, or all of a chart.
fn named<'a>(chart: &'a Chart, wanted: &str, who: &str) -> Result<Vec<&'a str>, String> {
    let declared = &chart.metadata.dependencies;
    if let Some(one) = declared.iter().find(|one| one.key() == wanted) {
        return Ok(vec![one.key()]);
    }
    let mut found: Vec<&str> = declared.iter().filter(|one| one.name == wanted).map(|one| one.key()).collect();
    found.extend(chart.dependencies.iter().map(Chart::name).find(|name| found.is_empty() && *name == wanted));
    if !found.is_empty() {
        return Ok(found);
    }
    let mut known: Vec<&str> = declared.iter().map(|one| one.key()).collect();
    known.extend(chart.dependencies.iter().map(Chart::name));
    known.sort_unstable();
    known.dedup();
    Err(format!("{who} depends on {wanted:?}, which is none of its sub-charts ({})", known.join(", ")))
}

/// The names in the annotation, which holds a list or one name.
fn before_own(chart: &Chart) -> Result<Vec<String>, String> {
    let Some(text) = chart.metadata.annotations.get(BEFORE_OWN) else {
        return Ok(Vec::new());
    };
    let wrong = || format!("the annotation {BEFORE_OWN} of {} is no list of names: {text:?}", chart.name());
    match yaml::from_str(text) {
        Ok(Value::String(name)) => Ok(vec![name]),
        Ok(Value::Array(names)) => {
            names.iter().map(|name| name.as_str().map(str::to_owned).ok_or_else(wrong)).collect()
        }
        _ => Err(wrong()),
    }
}

/// The parts in groups, each after those that it depends on.
fn levels<'a, 'b>(chart: &str, parts: &'b [Part<'a>]) -> Result<Vec<Vec<&'b Part<'a>>>, String> {
    let mut left: Vec<&Part> = parts.iter().collect();
    let mut levels = Vec::new();
    while !left.is_empty() {
        let waits = |part: &&Part| left.iter().any(|other| part.after.contains(other.name));
        let (waiting, level): (Vec<&Part>, Vec<&Part>) = left.iter().copied().partition(waits);
        if level.is_empty() {
            return Err(format!("the sub-charts of {chart} wait for each other: {}", circle(&waiting)));
        }
        levels.push(level);
        left = waiting;
    }
    Ok(levels)
}

/// A circle among parts that all wait for one of them: `a → b → a`.
fn circle(waiting: &[&Part<'_>]) -> String {
    let mut way: Vec<&str> = Vec::new();
    let mut next = waiting.first().copied();
    while let Some(part) = next {
        if let Some(start) = way.iter().position(|name| *name == part.name) {
            way.drain(..start);
            way.push(part.name);
            break;
        }
        way.push(part.name);
        next = waiting.iter().copied().find(|other| part.after.contains(other.name));
    }
    way.join(" → ")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::chart::{Dependency, Metadata};

    /// A chart of sub-charts, given as `name`, or `name>other,third` where it depends on others, `chart=alias` under an alias.
    fn umbrella(parts: &[&str]) -> Chart {
        let named =
            |name: &str| Chart { metadata: Metadata { name: name.into(), ..Metadata::default() }, ..Chart::default() };
        let mut chart = named("shop");
        for part in parts {
            let (name, after) = part.split_once('>').unwrap_or((part, ""));
            let (name, alias) = name.split_once('=').unwrap_or((name, ""));
            chart.metadata.dependencies.push(Dependency {
                name: name.into(),
                alias: alias.into(),
                depends_on: after.split(',').filter(|name| !name.is_empty()).map(str::to_owned).collect(),
                ..Dependency::default()
            });
            if !chart.dependencies.iter().any(|loaded| loaded.name() == name) {
                chart.dependencies.push(named(name));
            }
        }
        chart
    }

    #[track_caller]
    fn check(parts: &[&str], expected: &str) {
        let short = |path: &String| path.replace("shop/charts/", "");
        let told = Order::of(&umbrella(parts)).map(|order| {
            let stages = order.stages.iter().map(|charts| charts.iter().map(short).collect::<Vec<_>>().join(" "));
            stages.collect::<Vec<_>>().join(" | ")
        });
        assert_eq!(told.unwrap_or_else(|error| error), expected);
    }

    #[test]
    fn each_comes_after_what_it_depends_on() {
        check(&[], "shop");
        check(&["b", "a"], "b a | shop");
        check(&["nginx>python-api", "python-api>postgresql", "postgresql"], "postgresql | python-api | nginx | shop");
        // The example of the HIP.
        check(&["nginx", "rabbitmq", "bar>nginx,rabbitmq"], "nginx rabbitmq | bar | shop");
    }

    #[test]
    fn names_are_aliases_or_charts() {
        check(&["db=main", "db=audit>main", "api>db"], "main | audit | api | shop");
        check(&["api>cache"], "sub-chart api of shop depends on \"cache\", which is none of its sub-charts (api)");
    }

    #[test]
    fn circles_are_named() {
        check(&["a>a"], "the sub-charts of shop wait for each other: a → a");
        check(&["z", "y>b", "a>c", "b>a", "c>b"], "the sub-charts of shop wait for each other: b → a → c → b");
    }

    #[test]
    fn sub_charts_come_with_all_that_is_in_them() {
        let mut chart = umbrella(&["api>store", "store"]);
        let mut store = umbrella(&["db", "seed>db"]);
        store.metadata.name = "store".into();
        chart.dependencies[1] = store;
        let order = Order::of(&chart).expect("an order");
        let stage = |source: &str| order.stage_of(Some(source));
        assert_eq!(stage("shop/charts/store/charts/db/templates/a.yaml"), 0);
        assert_eq!(stage("shop/charts/store/charts/seed/templates/a.yaml"), 1);
        assert_eq!(stage("shop/charts/store/templates/charts/a.yaml"), 2);
        assert_eq!(stage("shop/charts/api/templates/a.yaml"), 3);
        assert_eq!((stage("shop/templates/a.yaml"), order.stage_of(None), order.len()), (4, 4, 5));
    }

    #[test]
    fn the_annotation_names_sub_charts() {
        let of = |text: &str| {
            let mut chart = umbrella(&["a", "b"]);
            chart.metadata.annotations.insert(BEFORE_OWN.into(), text.into());
            Order::of(&chart).map(|order| order.len())
        };
        assert_eq!(of("[\"a\", \"b\"]"), Ok(2));
        assert_eq!(of("a"), Ok(2));
        assert_eq!(of("[x]").unwrap_err(), "shop depends on \"x\", which is none of its sub-charts (a, b)");
        let words = "the annotation helm.sh/depends-on/subcharts of shop is no list of names: \"{a: b}\"";
        assert_eq!(of("{a: b}").unwrap_err(), words);
    }
}
