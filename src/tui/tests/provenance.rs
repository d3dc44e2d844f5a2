//! Where the lines of a manifest come from, by keys, on the sandbox's `payments/checkout`.

use tokio_util::sync::CancellationToken;

use super::*;
use crate::{
    cluster::Cluster,
    diff::Redactor,
    engine::{browse, provenance::provenance},
    release::{Driver, Storage},
    sandbox::Sandbox,
};

/// The release screen on the manifest of revision 5, with the releases 4 and 5.
async fn manifest(size: (u16, u16)) -> (Program, [Arc<Release>; 2], Sandbox) {
    let now = jiff::Timestamp::from_millisecond(CLOCK).expect("a time");
    let sandbox = Sandbox::with_examples_at(now).await;
    let cluster = Cluster::from_client(sandbox.client(), "prod-eu", "default");
    let storage = Storage::new(cluster, Driver::Secrets, "payments");
    let mut program = Program::home(size);
    program.app.shared.storage = Some(storage.clone());
    program.keys("j enter 2");
    let metas =
        [(4, "superseded"), (5, "deployed")].map(|(revision, status)| record("payments", "checkout", revision, status));
    program.news(2, "watch", News::Records("payments".into(), Box::new(StorageEvent::Restarted(metas.to_vec()))));
    let mut releases = Vec::new();
    for meta in metas {
        let release = Arc::new(storage.get("checkout", meta.revision).await.expect("a record"));
        program.news(2, "decode", News::Decoded(Box::new(meta), Ok(release.clone())));
        releases.push(release);
    }
    program.show_manifest(&releases[1]);
    (program, releases.try_into().expect("two"), sandbox)
}

impl Program {
    fn show_manifest(&mut self, release: &Release) {
        let text = browse::manifest(release, &Redactor::new([7; 32]));
        let lines = text.lines().map(|line| TextLine::new(Default::default(), line)).collect();
        self.news(2, "body", News::Text(lines));
    }

    /// For which revisions it was asked since, and whether that was cancelled.
    fn asked(&mut self) -> (Vec<u32>, bool) {
        let jobs = std::mem::take(&mut self.jobs);
        let revisions = jobs.iter().filter_map(|job| match &job.effect {
            Effect::Run(_, Task::Provenance(_, release, _)) => Some(release.revision),
            _ => None,
        });
        let cancelled = |job: &Job| matches!(&job.effect, Effect::Cancel(slot) if slot.0 == "provenance");
        (revisions.collect(), jobs.iter().any(cancelled))
    }

    async fn find(&mut self, release: &Arc<Release>) {
        let storage = self.app.shared.storage.clone().expect("it is connected");
        let redactor = Redactor::new([7; 32]);
        let found = provenance(storage.cluster(), release, &redactor, &CancellationToken::new()).await;
        self.news(2, "provenance", News::Provenance(Ok(Box::new(found.expect("it is served")))));
    }
}

#[tokio::test]
async fn the_line_under_the_cursor_is_explained() {
    let (mut program, [_, newest], _sandbox) = manifest((120, 40)).await;
    program.shows("p where a line comes from");
    program.keys("tab / i m a g e : enter enter");
    assert_eq!(program.asked(), (vec![5], false));
    program.shows("rendering the recorded chart anew … esc stops");
    program.find(&newest).await;
    program.shows("comes from templates/deployment.yaml:26");
    program.shows(".Values.image.repository, set by values.yaml");
    program.shows(".Values.image.tag, set by the release's values:");
    program.keys("y");
    let copied = program.jobs.iter().any(|job| match &job.effect {
        Effect::Run(_, Task::Copy(text)) => text.starts_with("comes from templates/deployment.yaml:26\n.Values"),
        _ => false,
    });
    assert!(copied, "what is told is copied");
    program.keys("g");
    program.shows("Where line 1 comes from  (p closes)");
    program.shows("written between documents, by no template");
    assert_eq!(program.asked(), (vec![], false), "moving the cursor asks for nothing");
    // The search is cleared first, then what is below closes, then the list has the keys again.
    program.keys("esc");
    program.shows("comes from");
    program.keys("esc");
    program.lacks("(p closes)");
    program.keys("p");
    program.shows("written between documents");
    assert_eq!(program.asked(), (vec![], false), "it is known already");
}

#[tokio::test]
async fn what_is_no_longer_wanted_is_cancelled() {
    let (mut program, [older, _], _sandbox) = manifest((80, 24)).await;
    program.keys("p");
    assert_eq!(program.asked(), (vec![5], false));
    program.keys("esc");
    assert_eq!(program.asked(), (vec![], true));
    program.lacks("rendering the recorded");
    program.keys("p tab j");
    let (asked, _) = program.asked();
    assert_eq!(asked, [5, 4], "another revision is asked for at once");
    program.show_manifest(&older);
    program.find(&older).await;
    program.shows("written between documents");
    program.keys("R");
    assert_eq!(program.asked().0, [4], "with secrets shown");
    program.news(2, "provenance", News::Provenance(Err(Report::new("the server is busy").hint("ctrl-r tries again"))));
    program.shows("the server is busy");
    program.shows("ctrl-r tries again");
    program.keys("1 p");
    program.shows("revision 4   p where");
}
