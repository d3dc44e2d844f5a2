//! Commands typed after `:`.

use nucleo_matcher::{
    Config, Matcher, Utf32Str,
    pattern::{CaseMatching, Normalization, Pattern},
};

use super::{
    effect::Effect,
    keymap::{ACTIONS, Action, Place},
    shared::Shared,
};

/// Short forms people type.
const ALIASES: &[(&str, &str)] = &[("q", "quit"), ("namespace", "ns"), ("context", "ctx"), ("h", "help")];

/// Turns a command line into effects; the error says what is wrong with it.
pub fn parse(text: &str) -> Result<Vec<Effect>, String> {
    let words: Vec<&str> = text.split_whitespace().collect();
    let Some((first, arguments)) = words.split_first() else {
        return Ok(Vec::new());
    };
    let name = ALIASES.iter().find(|(short, _)| short == first).map_or(*first, |(_, name)| name);
    let argument = match (name, arguments) {
        ("install", [release, chart]) => {
            let action = Action::InstallAs((*release).to_owned(), (*chart).to_owned());
            return Ok(vec![Effect::Do(action)]);
        }
        ("install", [_, ..]) => return Err(":install takes a name and the path of a chart".to_owned()),
        (_, []) => None,
        (_, [argument]) => Some(*argument),
        _ => return Err(format!(":{name} takes one word")),
    };
    match (name, argument) {
        ("upgrade", Some(chart)) => Ok(vec![Effect::Do(Action::UpgradeTo(chart.to_owned()))]),
        ("ns", Some("all")) => Ok(vec![Effect::UseNamespace(String::new())]),
        ("ns", Some(namespace)) => Ok(vec![Effect::UseNamespace(namespace.to_owned())]),
        ("ctx", Some(context)) => Ok(vec![Effect::UseContext(context.to_owned())]),
        ("rollback", Some(revision)) => match revision.parse() {
            Ok(revision) => Ok(vec![Effect::Do(Action::RollbackTo(revision))]),
            Err(_) => Err(format!(":rollback takes a revision, {revision:?} is none")),
        },
        (name, None) => match ACTIONS.iter().find(|spec| spec.name == name) {
            Some(spec) => Ok(vec![Effect::Do(spec.action.clone())]),
            None => Err(format!("there is no command {name:?}")),
        },
        (name, Some(_)) => Err(format!(":{name} takes no argument")),
    }
}

/// Whether a line can be run as it stands.
pub fn is_complete(text: &str) -> bool {
    parse(text).is_ok_and(|effects| !effects.is_empty())
}

/// What a line could become, with help.
pub fn candidates(text: &str, place: Place, shared: &Shared) -> Vec<(String, String)> {
    match text.split_once(' ').map(|(name, _)| name) {
        Some("ns" | "namespace") => {
            let all = std::iter::once("all").chain(shared.namespace_names());
            all.map(|name| (format!("ns {name}"), String::new())).collect()
        }
        Some("ctx" | "context") => {
            shared.contexts.iter().map(|context| (format!("ctx {}", context.name), context.cluster.clone())).collect()
        }
        _ => {
            let here = ACTIONS.iter().filter(|spec| spec.applies(place));
            here.map(|spec| (spec.name.to_owned(), spec.help.to_owned())).collect()
        }
    }
}

/// The items that match a text fuzzily, best first; all of them, in order, for an empty text.
pub fn fuzzy<'a, T>(text: &str, items: &'a [T], name: impl Fn(&T) -> &str) -> Vec<&'a T> {
    if text.trim().is_empty() {
        return items.iter().collect();
    }
    let pattern = Pattern::parse(text, CaseMatching::Ignore, Normalization::Smart);
    let mut matcher = Matcher::new(Config::DEFAULT);
    let mut letters = Vec::new();
    let mut scored: Vec<(u32, &T)> = items
        .iter()
        .filter_map(|item| Some((pattern.score(Utf32Str::new(name(item), &mut letters), &mut matcher)?, item)))
        .collect();
    scored.sort_by_key(|(score, item)| (std::cmp::Reverse(*score), name(item).len()));
    scored.into_iter().map(|(_, item)| item).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check_error(text: &str, expected: &str) {
        assert_eq!(parse(text).err().as_deref(), Some(expected));
    }

    #[test]
    fn commands_become_effects() {
        assert!(matches!(parse("q").as_deref(), Ok([Effect::Do(Action::Quit)])));
        assert!(matches!(parse("rollback 9").as_deref(), Ok([Effect::Do(Action::RollbackTo(9))])));
        assert!(matches!(parse("ns all").as_deref(), Ok([Effect::UseNamespace(name)]) if name.is_empty()));
        assert!(matches!(parse(" ctx  prod-eu ").as_deref(), Ok([Effect::UseContext(name)]) if name == "prod-eu"));
        assert!(matches!(parse("").as_deref(), Ok([])));
    }

    #[test]
    fn charts_are_named() {
        let upgrade = parse("upgrade ./web");
        assert!(matches!(upgrade.as_deref(), Ok([Effect::Do(Action::UpgradeTo(chart))]) if chart == "./web"));
        let install = parse("install shop ./web");
        assert!(
            matches!(install.as_deref(), Ok([Effect::Do(Action::InstallAs(name, chart))]) if name == "shop" && chart == "./web")
        );
        assert!(matches!(parse("install").as_deref(), Ok([Effect::Do(Action::Install)])));
        check_error("install shop", ":install takes a name and the path of a chart");
    }

    #[test]
    fn mistakes_are_told() {
        check_error("rollbak", "there is no command \"rollbak\"");
        check_error("rollback nine", ":rollback takes a revision, \"nine\" is none");
        check_error("quit now", ":quit takes no argument");
        check_error("ns a b", ":ns takes one word");
    }

    #[test]
    fn fuzzy_matches_best_first() {
        let items = ["log", "rollback", "go-back"].map(String::from);
        assert_eq!(fuzzy("rb", &items, |item| item), ["rollback"]);
        assert_eq!(fuzzy("", &items, |item| item).len(), 3);
    }
}
