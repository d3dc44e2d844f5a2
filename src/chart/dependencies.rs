//! Which sub-charts take part, under which names, and what of their values the parent imports
//! (helm/helm `pkg/chart/v2/util/dependencies.go`).

use std::collections::HashSet;

use serde_json::{Value as Json, json};

use super::{Chart, Dependency};
use crate::template::{Map, Value, fmt::quote};
use crate::values::{self, Import, Notice, Nulls, Tree, Values};
use crate::version::{Constraint, Version};

/// How many dots the `parent` of `import-values` may have; Helm has no limit here, and no chart comes near.
const MAX_DOTS: usize = 100;

impl Tree for Chart {
    fn name(&self) -> &str {
        &self.metadata.name
    }

    fn values(&self) -> &Values {
        &self.values
    }

    fn schema(&self) -> Option<&[u8]> {
        self.schema.as_ref().map(|file| &*file.data)
    }

    fn values_text(&self) -> Option<&[u8]> {
        let file = self.raw.iter().find(|file| file.name == "values.yaml");
        if self.raw.is_empty() { None } else { Some(file.map_or(&[], |file| &*file.data)) }
    }

    /// As they are once the dependencies are processed: every entry a table.
    fn imports(&self) -> Vec<Import> {
        let text = |entry: &Json, key: &str| entry.get(key).and_then(Json::as_str).unwrap_or_default().to_owned();
        let of = |dependency: &Dependency| {
            let chart = dependency.name.clone();
            let import = |entry: &Json| Import {
                chart: chart.clone(),
                child: text(entry, "child"),
                parent: text(entry, "parent"),
            };
            dependency.import_values.iter().map(import).collect::<Vec<_>>()
        };
        self.metadata.dependencies.iter().flat_map(of).collect()
    }

    fn dependencies(&self) -> &[Self] {
        &self.dependencies
    }
}

/// Renames and copies sub-charts by their aliases, removes those that conditions and tags disable, and imports values of
/// sub-charts into the chart's own. What Helm logs on the way is added to `log`.
///
/// # Errors
/// Helm's words, without what it puts before them: `type mismatch on SUB-CHART: …`.
pub fn process_dependencies(chart: &mut Chart, given: &Values, log: &mut Vec<Notice>) -> Result<(), String> {
    choose(chart, &values::from_json(given), "", log)?;
    import_values(chart, log)
}

/// Keeps the sub-charts that are enabled; `path` leads from the top to this chart's values.
fn choose(chart: &mut Chart, given: &Map, path: &str, log: &mut Vec<Notice>) -> Result<(), String> {
    if chart.metadata.dependencies.is_empty() {
        return Ok(());
    }
    match_charts(chart);
    let values = touched_copy(chart, given);
    values::coalesce(chart, &values, Nulls::Remove, log)?;
    for dependency in &mut chart.metadata.dependencies {
        dependency.enabled = by_tags(dependency, &values, log);
        if let Some(enabled) = by_condition(dependency, &values, path, log) {
            dependency.enabled = enabled;
        }
    }
    let disabled = chart.metadata.dependencies.iter().filter(|dependency| !dependency.enabled);
    let disabled: HashSet<String> = disabled.map(|dependency| dependency.name.clone()).collect();
    chart.dependencies.retain(|sub_chart| !disabled.contains(sub_chart.name()));
    chart.metadata.dependencies.retain(|dependency| !disabled.contains(&dependency.name));
    for sub_chart in &mut chart.dependencies {
        let path = format!("{path}{}.", sub_chart.metadata.name);
        choose(sub_chart, &values, &path, log)?;
    }
    Ok(())
}

/// Puts the loaded charts into the order of `Chart.yaml`, behind those that it does not name, each under its alias.
/// A chart that is named several times is there several times.
fn match_charts(chart: &mut Chart) {
    let mut loaded: Vec<Option<Chart>> = std::mem::take(&mut chart.dependencies).into_iter().map(Some).collect();
    let versions: Vec<Option<Version>> =
        loaded.iter().flatten().map(|chart| Version::parse(&chart.metadata.version).ok()).collect();
    let mut named = HashSet::new();
    let mut uses = Vec::new();
    for dependency in &chart.metadata.dependencies {
        let constraint = Constraint::parse(&dependency.version).ok();
        let fits = |place: &usize| {
            let name = loaded.get(*place).and_then(Option::as_ref).map(|chart| chart.metadata.name.as_str());
            name == Some(&dependency.name)
                && matches!((&constraint, versions.get(*place)), (Some(constraint), Some(Some(version))) if constraint.check(version))
        };
        let places: Vec<usize> = (0..loaded.len()).filter(fits).collect();
        uses.push(places.first().copied());
        named.extend(places);
    }
    let unnamed = (0..loaded.len()).filter(|place| !named.contains(place));
    let mut chosen: Vec<Chart> = Vec::new();
    for place in unnamed.collect::<Vec<_>>() {
        chosen.extend(loaded.get_mut(place).and_then(Option::take));
    }
    for (number, (dependency, place)) in chart.metadata.dependencies.iter_mut().zip(&uses).enumerate() {
        let again = uses.iter().skip(number + 1).any(|later| later == place);
        let slot = place.and_then(|place| loaded.get_mut(place));
        let found = if again { slot.and_then(|slot| slot.clone()) } else { slot.and_then(Option::take) };
        if !dependency.alias.is_empty() {
            dependency.name.clone_from(&dependency.alias);
        }
        if let Some(mut found) = found {
            if !dependency.alias.is_empty() {
                found.metadata.name.clone_from(&dependency.alias);
            }
            chosen.push(found);
        }
    }
    chart.dependencies = chosen;
}

/// A copy of these values for merging this chart's into: only what that can change is copied, since a tree of charts
/// passes here once for each of its charts.
fn touched_copy(chart: &Chart, given: &Map) -> Map {
    let touched = |key: &str| {
        key == values::GLOBAL
            || chart.values.contains_key(key)
            || chart.dependencies.iter().any(|sub_chart| sub_chart.metadata.name == key)
    };
    let entries = given.snapshot().into_iter().map(|(key, value)| match value {
        Value::Map(table) if touched(&key) => (key, Value::Map(values::copy(&table))),
        value => (key, value),
    });
    entries.collect()
}

/// Enabled unless some tag is false and none is true.
fn by_tags(dependency: &Dependency, values: &Map, log: &mut Vec<Notice>) -> bool {
    let Some(Value::Map(tags)) = values.get("tags") else { return true };
    let (mut has_true, mut has_false) = (false, false);
    for tag in &dependency.tags {
        match tags.get(tag) {
            Some(Value::Bool(true)) => has_true = true,
            Some(Value::Bool(false)) => has_false = true,
            Some(_) => {
                log.push(Notice::warning("returned non-bool value", &[("tag", tag), ("chart", &dependency.name)]));
            }
            None => {}
        }
    }
    has_true || !has_false
}

/// What the first path that leads to a boolean says.
fn by_condition(dependency: &Dependency, values: &Map, path: &str, log: &mut Vec<Notice>) -> Option<bool> {
    for condition in dependency.condition.trim().split(',').filter(|condition| !condition.is_empty()) {
        let path = format!("{path}{condition}");
        let (tables, key) = path.rsplit_once('.').map_or((None, path.as_str()), |(tables, key)| (Some(tables), key));
        let holder = tables.map_or_else(|| Ok(values.clone()), |tables| table(values, tables));
        match holder.ok().and_then(|holder| holder.get(key)) {
            Some(Value::Bool(enabled)) => return Some(enabled),
            Some(Value::Map(_)) | None => {}
            Some(_) => {
                let facts = [("path", condition), ("chart", &dependency.name)];
                log.push(Notice::warning("returned non-bool value", &facts));
            }
        }
    }
    None
}

/// The table at a path with dots; the key that leads to none, otherwise.
fn table<'a>(values: &Map, path: &'a str) -> Result<Map, &'a str> {
    let mut table = values.clone();
    for key in path.split('.') {
        match table.get(key) {
            Some(Value::Map(inner)) => table = inner,
            _ => return Err(key),
        }
    }
    Ok(table)
}

/// Takes values of sub-charts into the chart's own, below them, from the innermost charts outwards.
fn import_values(chart: &mut Chart, log: &mut Vec<Notice>) -> Result<(), String> {
    for sub_chart in &mut chart.dependencies {
        import_values(sub_chart, log)?;
    }
    if chart.metadata.dependencies.is_empty() {
        return Ok(());
    }
    let own = Map::new();
    values::coalesce(chart, &own, Nulls::Keep, log)?;
    let imported = Map::new();
    for dependency in &mut chart.metadata.dependencies {
        let name = dependency.name.clone();
        let wishes: Vec<(String, String, bool)> = dependency.import_values.iter().filter_map(wish).collect();
        dependency.import_values =
            wishes.iter().map(|(child, parent, _)| json!({"child": child, "parent": parent})).collect();
        for (child, parent, is_export) in &wishes {
            match table(&own, &format!("{name}.{child}")) {
                Ok(found) => values::coalesce_tables(&imported, &at(parent, found)?, Nulls::Keep, log),
                Err(key) => log.push(missing(&name, key, *is_export)),
            }
        }
    }
    if imported.is_empty() {
        chart.values = values::to_json(&own);
        return Ok(());
    }
    // What was imported is shared with what it was imported from.
    let own = values::copy(&own);
    values::coalesce_tables(&own, &imported, Nulls::Keep, log);
    chart.values = values::to_json(&own);
    Ok(())
}

/// An entry of `import-values`: where in the child, where in the parent, and whether it is short for `exports`.
fn wish(entry: &Json) -> Option<(String, String, bool)> {
    match entry {
        Json::String(name) => Some((format!("exports.{name}"), ".".to_owned(), true)),
        Json::Object(entry) => {
            let text = |key: &str| match entry.get(key) {
                None | Some(Json::Null) => "<nil>".to_owned(),
                Some(Json::String(text)) => text.clone(),
                Some(other) => other.to_string(),
            };
            Some((text("child"), text("parent"), false))
        }
        _ => None,
    }
}

fn missing(chart: &str, key: &str, is_export: bool) -> Notice {
    let error = format!("{} is not a table", quote(key.as_bytes()));
    if is_export {
        Notice::warning("ImportValues missing table", &[("error", &error)])
    } else {
        Notice::warning("ImportValues missing table from chart", &[("chart", chart), ("error", &error)])
    }
}

/// This table at a path with dots; `.` is the top.
fn at(path: &str, table: Map) -> Result<Map, String> {
    if path == "." {
        return Ok(table);
    }
    if path.split('.').count() > MAX_DOTS {
        return Err(format!("import-values: the path of a parent has more than {MAX_DOTS} dots"));
    }
    Ok(path.rsplit('.').fold(table, |inner, key| Map::from_iter([(key.into(), Value::Map(inner))])))
}

#[cfg(test)]
mod tests {
    use serde_json::{Map, json};

    use super::*;
    use crate::chart::Metadata;

    /// `tests/dependencies.jsonl`: small charts, with what `ProcessDependencies` and then `CoalesceValues` of Helm 4.2.4
    /// made of them: the values, the charts that remain, and what was logged, sorted.
    #[test]
    fn processes_as_helm_does() {
        let mut wrong = Vec::new();
        for line in include_str!("tests/dependencies.jsonl").lines() {
            let case: Json = serde_json::from_str(line).expect("a case is JSON");
            let (found, log) = process(&case);
            let expected = match case["error"].as_str() {
                Some(error) => Err(error.to_owned()),
                None => Ok((floats(&case["out"]), case["tree"].clone())),
            };
            let expected_log = case["log"].as_array().cloned().unwrap_or_default();
            if found != expected || (found.is_ok() && log != expected_log) {
                wrong.push(format!("{line}\n  found {found:?}\n  log {log:?}"));
            }
        }
        assert!(wrong.is_empty(), "{} cases differ from Helm:\n{}", wrong.len(), wrong.join("\n"));
    }

    fn process(case: &Json) -> (Result<(Json, Json), String>, Vec<Json>) {
        let mut chart = chart(&case["chart"]);
        let given = table(&case["given"]);
        let mut log = Vec::new();
        let outcome = process_dependencies(&mut chart, &given, &mut log).and_then(|()| {
            let values = values::from_json(&given);
            values::coalesce(&chart, &values, Nulls::Remove, &mut log)?;
            Ok((values::to_json(&values).into(), tree(&chart)))
        });
        let mut log: Vec<String> = log.iter().map(ToString::to_string).collect();
        log.sort();
        (outcome, log.into_iter().map(Json::from).collect())
    }

    fn chart(case: &Json) -> Chart {
        let text = |value: &Json| value.as_str().unwrap_or_default().to_owned();
        let list = |value: &Json| value.as_array().cloned().unwrap_or_default();
        let dependency = |case: &Json| Dependency {
            name: text(&case["name"]),
            version: text(&case["version"]),
            condition: text(&case["condition"]),
            tags: list(&case["tags"]).iter().map(text).collect(),
            import_values: list(&case["import-values"]),
            alias: text(&case["alias"]),
            ..Dependency::default()
        };
        Chart {
            metadata: Metadata {
                name: text(&case["name"]),
                version: text(&case["version"]),
                dependencies: list(&case["dependencies"]).iter().map(dependency).collect(),
                ..Metadata::default()
            },
            values: table(&case["values"]),
            dependencies: list(&case["charts"]).iter().map(chart).collect(),
            ..Chart::default()
        }
    }

    fn table(value: &Json) -> Map<String, Json> {
        floats(value).as_object().cloned().unwrap_or_default()
    }

    fn floats(value: &Json) -> Json {
        match value {
            Json::Number(number) => number.as_f64().into(),
            Json::Array(items) => items.iter().map(floats).collect(),
            Json::Object(entries) => entries.iter().map(|(key, value)| (key.clone(), floats(value))).collect(),
            other => other.clone(),
        }
    }

    fn tree(chart: &Chart) -> Json {
        let imports = |dependency: &Dependency| {
            let maps: Vec<String> = dependency
                .import_values
                .iter()
                .map(|map| format!("map[child:{} parent:{}]", text(&map["child"]), text(&map["parent"])))
                .collect();
            format!("{} [{}]", dependency.name, maps.join(" "))
        };
        let dependencies: Vec<String> = chart.metadata.dependencies.iter().map(imports).collect();
        json!([chart.name(), dependencies, chart.dependencies.iter().map(tree).collect::<Vec<_>>()])
    }

    fn text(value: &Json) -> &str {
        value.as_str().unwrap_or_default()
    }
}
