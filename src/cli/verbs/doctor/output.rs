//! Findings as text, JSON and YAML.

use serde::Serialize;

use crate::{
    cli::{output, session::Session},
    diff::visible,
    engine::doctor::{Diagnosis, Finding, by_release},
};

#[derive(Serialize)]
struct Element<'a> {
    code: &'a str,
    namespace: &'a str,
    release: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    revision: Option<u32>,
    object: &'a str,
    explanation: &'a str,
    proposal: &'a str,
    repairable: bool,
}

/// What was found, in the format asked for.
pub fn diagnosis(session: &Session, diagnosis: &Diagnosis) -> String {
    let elements: Vec<Element<'_>> = diagnosis.findings.iter().map(element).collect();
    match session.flags.text("output") {
        "json" => output::json(&elements),
        "yaml" => output::yaml(&elements),
        _ => text(session, diagnosis),
    }
}

fn element(finding: &Finding) -> Element<'_> {
    Element {
        code: finding.code.as_str(),
        namespace: &finding.namespace,
        release: &finding.release,
        revision: Some(finding.revision).filter(|revision| *revision > 0),
        object: &finding.object,
        explanation: &finding.explanation,
        proposal: &finding.proposal,
        repairable: finding.is_repairable(),
    }
}

/// A paragraph a finding, under its release.
fn text(session: &Session, diagnosis: &Diagnosis) -> String {
    let colors = session.colors();
    let looked = match diagnosis.releases {
        1 => "1 release".to_owned(),
        count => format!("{count} releases"),
    };
    if diagnosis.findings.is_empty() {
        return format!("{looked}: nothing found\n");
    }
    let mut text = String::new();
    for ((namespace, release), findings) in by_release(&diagnosis.findings) {
        text += &format!("{}\n", colors.heading(&visible(&format!("{namespace}/{release}"))));
        for finding in findings {
            let revision = if finding.revision > 0 { format!(" revision {}", finding.revision) } else { String::new() };
            let repair = if finding.is_repairable() { "repair" } else { "by hand" };
            text += &format!("  {}{revision}: {}\n", finding.code.as_str(), visible(&finding.object));
            text += &format!("    {}\n    {repair}: {}\n", visible(&finding.explanation), visible(&finding.proposal));
        }
    }
    text + &format!("{looked}: {} found\n", diagnosis.findings.len())
}
