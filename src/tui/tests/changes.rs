//! Changing releases by keys, on the sandbox's examples: what tasks tell is what really happens.

use crate::{
    cluster::Cluster,
    release::{self, Driver, Release, Status, Storage},
    sandbox::Sandbox,
    tui::{
        Options,
        effect::Slot,
        event::{Event, News},
        screens::APP,
        session::{Session, text_of},
        testing::CLOCK,
    },
};

pub(super) const SIZE: (u16, u16) = (132, 32);

/// A session on the examples as of [`CLOCK`], and the storage of the namespace that is looked at.
pub(super) struct Place {
    pub(super) session: Session,
    pub(super) storage: Storage,
    size: (u16, u16),
}

impl Place {
    /// At *Releases* with `payments/checkout` selected.
    async fn at_checkout(size: (u16, u16)) -> Self {
        Self::at("payments", "checkout", size).await
    }

    /// At *Releases* with a release selected.
    pub(super) async fn at(namespace: &str, name: &str, size: (u16, u16)) -> Self {
        let now = jiff::Timestamp::from_millisecond(CLOCK).expect("a time");
        let sandbox = Sandbox::with_examples_at(now).await;
        let cluster = Cluster::from_client(sandbox.client(), "prod-eu", "default");
        let storage = Storage::new(cluster.clone(), Driver::Secrets, namespace);
        // No configuration of whoever runs this.
        let options = Options { config: Some("/nonexistent/config.yaml".into()), ..Options::default() };
        let mut session = Session::new(options, [7; 32], || CLOCK);
        session.handle(Event::News(APP, Slot::of("connect"), News::Connected(Ok(cluster), Some(sandbox))));
        let mut place = Self { session, storage, size };
        place.until(name).await;
        place.keys("/");
        place.types(&format!("ns:{namespace} {name}"));
        place.keys("enter");
        place.until(&format!("▸ {name} ")).await;
        place
    }

    pub(super) fn keys(&mut self, keys: &str) {
        self.session.keys(keys);
    }

    /// Types a text.
    pub(super) fn types(&mut self, text: &str) {
        for character in text.chars() {
            let key = if character == ' ' { "space".to_owned() } else { character.to_string() };
            self.session.keys(&key);
        }
    }

    /// The screen as soon as it shows a text.
    pub(super) async fn until(&mut self, text: &str) -> String {
        let (columns, rows) = self.size;
        match self.session.until(columns, rows, text).await {
            Ok(buffer) => text_of(&buffer),
            Err(screen) => panic!("{screen}"),
        }
    }

    /// The screen as soon as it shows a text and nothing is being read any more.
    pub(super) async fn settled(&mut self, text: &str) -> String {
        self.until(text).await;
        self.session.settle(self.size.0, self.size.1).await;
        self.screen()
    }

    pub(super) fn screen(&mut self) -> String {
        text_of(&self.session.draw(self.size.0, self.size.1))
    }

    #[track_caller]
    pub(super) fn shows(&mut self, text: &str) {
        let screen = self.screen();
        assert!(screen.contains(text), "{text:?} is not on the screen:\n{screen}");
    }

    pub(super) async fn newest(&self, name: &str) -> Result<Release, release::Error> {
        let history = self.storage.history(name).await?;
        let newest = history.last().ok_or(release::Error::NotFound)?;
        Ok(Release::clone(&*self.storage.decode(newest).await?))
    }

    /// The commands of the log, newest last.
    pub(super) fn commands(&self) -> Vec<String> {
        self.session.app().shared.log.iter().map(|entry| entry.command.clone()).collect()
    }
}

#[tokio::test]
async fn the_review_of_an_uninstall() {
    for (name, size) in [("uninstall_80x24", (80, 24)), ("uninstall_200x60", (200, 60))] {
        let mut place = Place::at_checkout(size).await;
        place.keys("D");
        insta::assert_snapshot!(name, place.settled("confidence").await);
    }
}

#[tokio::test]
async fn uninstalling_takes_objects_and_history_away() {
    let mut place = Place::at_checkout(SIZE).await;
    place.keys("D");
    place.until("confidence").await;
    place.keys("enter");
    place.until("▸ checkout ").await;
    assert!(place.newest("checkout").await.is_ok(), "Cancel is chosen first");
    place.keys("D");
    place.until("confidence").await;
    place.keys("l enter");
    place.until("✓ checkout is uninstalled: 6 deleted, its history is gone").await;
    assert!(matches!(place.newest("checkout").await, Err(release::Error::NotFound)));
    assert_eq!(place.commands(), ["helm uninstall checkout --namespace payments --wait --kube-context prod-eu"]);
}

#[tokio::test]
async fn uninstalling_keeps_the_history_where_asked() {
    let mut place = Place::at_checkout(SIZE).await;
    place.keys(": u n i n s t a l l enter");
    place.until("4 keep history [off]").await;
    place.keys("1 1 4 5");
    place.until("5 cascade [foreground]").await;
    place.until("confidence").await;
    place.keys("l enter");
    place.until("its history is kept").await;
    let newest = place.newest("checkout").await.expect("a record");
    assert_eq!(newest.info.status, Status::Uninstalled);
    let command =
        "helm uninstall checkout --namespace payments --keep-history --cascade foreground --kube-context prod-eu";
    assert_eq!(place.commands(), [command]);
}

#[tokio::test]
async fn tests_are_run_after_a_question_and_noted_in_the_record() {
    let mut place = Place::at_checkout(SIZE).await;
    place.keys("enter");
    place.until("Changes").await;
    place.keys("t");
    place.shows("Run the tests of checkout in payments?");
    place.keys("enter");
    assert!(!place.screen().contains("Run the tests"), "Cancel is chosen first");
    place.keys("t l enter");
    place.until("✓ the test of checkout succeeded").await;
    place.shows("✓ record 1/1   ✓ tests 1/1   ✓ final record 1/1");
    place.shows("checkout-connection │ ");
    let newest = place.newest("checkout").await.expect("a record");
    let hook = newest.hooks.iter().find(|hook| hook.name == "checkout-connection").expect("the hook");
    assert_eq!((newest.revision, hook.last_run.phase.as_str()), (5, "Succeeded"));
    assert_eq!(place.commands(), ["helm test checkout --namespace payments --kube-context prod-eu"]);
}
