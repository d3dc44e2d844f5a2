//! *Review* and *Operation* by keys. What they show was prepared and previewed on the sandbox, then changed where a test
//! needs trouble that the examples do not have.

use tokio::sync::OnceCell;

use super::*;
use crate::{
    cluster::{
        Cluster,
        readiness::{Readiness, Status as Ready},
    },
    diff::Redactor,
    engine::{
        self, Outcome, Phase, Prepared, Preview, Progress, Request, Risk, RollbackTarget, ServerSideMode,
        preview::ObjectPreview,
    },
    manifest::ObjectKey,
    release::{Driver, Status, Storage},
    sandbox::Sandbox,
    tui::{log::Mark, screens::Screen},
};

/// The first screen that is opened from home.
const REVIEW: ScreenId = 2;
/// What takes its place.
const OPERATION: ScreenId = 3;

type Reviewed = (Prepared, Preview);

static CHECKOUT: OnceCell<(Storage, Sandbox, Reviewed)> = OnceCell::const_new();

/// `payments/checkout` back from 5 to 4 as of [`CLOCK`]: scaled by hand, so one field belongs to kubectl.
async fn checkout() -> (Storage, Reviewed) {
    let make = || async {
        let now = jiff::Timestamp::from_millisecond(CLOCK).expect("a time");
        let sandbox = Sandbox::with_examples_at(now).await;
        let cluster = Cluster::from_client(sandbox.client(), "prod-eu", "default");
        let storage = Storage::new(cluster, Driver::Secrets, "payments");
        let fourth = RollbackTarget::Revision(4);
        let prepared = engine::prepare_rollback(&storage, "checkout", fourth, &engine::Options::default()).await;
        let prepared = prepared.expect("prepared");
        let mut preview = engine::preview(&storage, &prepared, &Redactor::new([7; 32])).await.expect("a preview");
        // The engine tells ages by the real clock.
        let taken = preview.risks.iter_mut().filter(|risk| risk.code == "field-conflict");
        taken.for_each(|risk| risk.message = "Deployment/checkout .spec.replicas belongs to kubectl: 8 now".into());
        (storage, sandbox, (prepared, preview))
    };
    let (storage, _, ready) = CHECKOUT.get_or_init(make).await;
    (storage.clone(), ready.clone())
}

/// As if every field that others own had been taken.
fn without_conflicts(mut ready: Reviewed) -> Reviewed {
    ready.1.basis.conflicts.clear();
    ready.1.objects.iter_mut().for_each(|object| object.conflicts.clear());
    ready
}

/// As if the last two objects stayed as they are.
fn two_stay(ready: Reviewed) -> Reviewed {
    let mut ready = without_conflicts(ready);
    for object in ready.1.objects.iter_mut().rev().take(2) {
        object.change = Change::None;
        (object.diff.change, object.diff.weight) = (Change::None, Weight::Same);
    }
    ready
}

impl Program {
    /// *Review* of `checkout`, opened from home, with its preview.
    async fn review(config: Config, size: (u16, u16), change: impl Fn(Reviewed) -> Reviewed) -> Self {
        let (storage, ready) = checkout().await;
        let mut program = Self::with(config, Options::default(), size);
        program.app.shared.storage = Some(storage);
        let records = vec![record("payments", "checkout", 5, "deployed")];
        program.news(HOME, "watch", News::Records(String::new(), Box::new(StorageEvent::Restarted(records))));
        program.keys("r");
        program.shows("asking the cluster what this would do");
        assert!(program.previews().is_some());
        program.preview(change(ready));
        program
    }

    fn preview(&mut self, ready: Reviewed) {
        self.jobs.clear();
        self.news(REVIEW, "preview", News::Previewed(Ok(Box::new(ready))));
    }

    /// With what options a preview was asked for since.
    fn previews(&self) -> Option<(&Request, &engine::Options)> {
        self.jobs.iter().rev().find_map(|job| match &job.effect {
            Effect::Run(_, Task::Preview(_, _, request, options, _)) => Some((request, options)),
            _ => None,
        })
    }

    fn executes(&self) -> bool {
        self.started(|task| matches!(task, Task::Execute(..)))
    }

    /// *Operation* of `checkout`, started by keys.
    async fn operation(size: (u16, u16)) -> Self {
        let mut program = Self::review(Config::default(), size, without_conflicts).await;
        program.keys("l enter");
        assert!(program.executes());
        program
    }

    fn progress(&mut self, progress: impl IntoIterator<Item = Progress>) {
        for progress in progress {
            self.news(OPERATION, "operation", News::Progress(Box::new(progress)));
        }
    }

    fn executed(&mut self, result: Result<Outcome, engine::Error>) {
        self.news(OPERATION, "operation", News::Executed(result.map(Box::new).map_err(Report::from)));
        self.event(Event::Ended(OPERATION, Slot::of("operation")));
    }
}

fn outcome() -> Outcome {
    let release = Release { name: "checkout".into(), revision: 6, ..Release::default() };
    Outcome { release, counts: [1, 3, 1, 4], warnings: vec!["1 hook was left behind".into()] }
}

fn object_key(kind: &str, name: &str) -> ObjectKey {
    ObjectKey { group: String::new(), kind: kind.into(), namespace: "payments".into(), name: name.into() }
}

fn waiting(name: &str, message: &str, blocker: Option<&str>) -> Progress {
    let readiness = Readiness { status: Ready::InProgress, message: message.into(), replicas: None };
    Progress::Waiting(object_key("Deployment", name), readiness, blocker.map(str::to_owned))
}

#[tokio::test]
async fn review() {
    for (name, size) in [("review_80x24", (80, 24)), ("review_200x60", (200, 60))] {
        insta::assert_snapshot!(name, Program::review(Config::default(), size, |ready| ready).await.screen());
    }
}

#[tokio::test]
async fn operation() {
    for (name, size) in [("operation_80x24", (80, 24)), ("operation_200x60", (200, 60))] {
        let mut program = Program::operation(size).await;
        running(&mut program);
        program.app.shared.clock += 41_000;
        insta::assert_snapshot!(name, program.screen());
    }
}

/// A hook is done, most objects are applied and one waits for its pods.
fn running(program: &mut Program) {
    program.progress([
        Progress::PhaseStarted(Phase::Record, 1),
        Progress::RecordWritten(6, "pending-rollback".into()),
        Progress::PhaseDone(Phase::Record),
        Progress::PhaseStarted(Phase::PreHooks, 1),
        Progress::HookStarted("checkout-migrate".into()),
        Progress::HookLog("checkout-migrate".into(), "applying 0042_down.sql … \u{1b}[32mok".into()),
        Progress::HookDone("checkout-migrate".into(), true, 9_412),
        Progress::PhaseDone(Phase::PreHooks),
        Progress::PhaseStarted(Phase::Apply, 3),
        Progress::Object(object_key("ConfigMap", "checkout"), Change::Update),
        Progress::Object(object_key("Service", "checkout"), Change::None),
        Progress::Object(object_key("Deployment", "checkout"), Change::Update),
        Progress::PhaseDone(Phase::Apply),
        Progress::PhaseStarted(Phase::Delete, 1),
        Progress::Object(object_key("PodDisruptionBudget", "checkout"), Change::Delete),
        Progress::PhaseDone(Phase::Delete),
        Progress::PhaseStarted(Phase::Wait, 3),
        waiting("checkout", "Available: 2/4", Some("checkout-7c9f-x2: ImagePullBackOff")),
    ]);
}

#[tokio::test]
async fn cancel_is_chosen_first_and_enter_on_it_leaves() {
    let mut program = Program::review(Config::default(), (100, 30), without_conflicts).await;
    program.keys("enter");
    assert!(matches!(program.app.screen(), Screen::Releases(_)));
    assert!(!program.executes());
}

#[tokio::test]
async fn every_toggle_asks_for_a_new_preview() {
    let mut program = Program::review(Config::default(), (100, 30), without_conflicts).await;
    program.shows("5 server-side [auto]");
    program.keys("5");
    assert_eq!(program.previews().map(|(_, options)| options.server_side), Some(ServerSideMode::True));
    program.shows("5 server-side [on]");
    program.shows("asking the cluster what this would do");
    program.keys("l enter");
    program.shows("there is no preview yet");
    // With the pane of flags, too.
    program.jobs.clear();
    program.keys("backtab l enter");
    assert_eq!(program.previews().map(|(_, options)| options.force_conflicts), Some(true));
    program.shows("6 take fields [on]");
}

#[tokio::test]
async fn fields_of_others_refuse_and_name_the_key_that_takes_them() {
    let mut program = Program::review(Config::default(), (100, 30), |ready| ready).await;
    program.keys("l enter");
    program.shows("1 field belongs to others: f takes them");
    assert!(!program.executes());
    program.keys("f");
    assert_eq!(program.previews().map(|(_, options)| options.force_conflicts), Some(true));
}

#[tokio::test]
async fn a_protected_place_demands_the_name() {
    for text in ["protected: {contexts: ['prod*']}", "protected: {namespaces: [payments]}"] {
        let config = Config::parse(text).expect("a configuration");
        let mut program = Program::review(config, (100, 30), without_conflicts).await;
        program.keys("l enter");
        program.shows("type checkout to go on");
        program.keys("tab enter");
        assert!(!program.executes(), "nothing was typed");
        program.type_text("checkout");
        program.keys("enter");
        assert!(program.executes(), "{}", program.screen());
    }
}

#[tokio::test]
async fn read_only_mode_reviews_but_does_not_go() {
    let mut program = Program::review(Config::default(), (100, 30), without_conflicts).await;
    program.app.shared.read_only = Some("read-only mode (--read-only)".into());
    program.shows("read-only mode (--read-only)");
    program.keys("l enter");
    program.shows("roll back: not in read-only mode (--read-only)");
    assert!(!program.executes());
}

#[tokio::test]
async fn looked_at_objects_are_counted_until_a_preview_says_something_else_about_them() {
    let mut program = Program::review(Config::default(), (100, 30), two_stay).await;
    let (_, ready) = checkout().await;
    let ready = two_stay(ready);
    let changed = ready.1.objects.iter().filter(|object| object.change != Change::None).count();
    program.shows(&format!("0 of {changed} reviewed"));
    program.keys("space space");
    program.shows(&format!("2 of {changed} reviewed"));
    // What stays can be marked as well, but is not counted.
    program.keys("tab G enter G space");
    program.shows(&format!("2 of {changed} reviewed"));
    program.preview(ready.clone());
    program.shows(&format!("2 of {changed} reviewed"));
    let mut other = ready;
    let first = other.1.objects.iter_mut().find(|object| object.change != Change::None).expect("a change");
    first.diff.new_text.push_str("more: true\n");
    program.preview(other);
    program.shows(&format!("1 of {changed} reviewed"));
}

#[tokio::test]
async fn what_stays_is_one_row_that_unfolds() {
    let mut program = Program::review(Config::default(), (100, 30), two_stay).await;
    let (_, preview) = two_stay(checkout().await.1);
    let same: Vec<&ObjectPreview> = preview.objects.iter().filter(|object| object.change == Change::None).collect();
    let name = format!("{}/{}", same[0].target.key.kind, same[0].target.key.name);
    program.shows(&format!("= {} objects stay ▸", same.len()));
    program.lacks(&format!("= {name}"));
    program.keys("tab G enter");
    program.shows(&format!("= {} objects stay ▾", same.len()));
    program.shows(&format!("= {name}"));
    program.keys("z");
    program.lacks(&format!("= {name}"));
}

#[tokio::test]
async fn risks_beyond_the_room_are_counted_and_shown_on_demand() {
    let many = |ready: Reviewed| {
        let (prepared, mut preview) = without_conflicts(ready);
        let risk = |number| Risk {
            code: "drift-overwritten".into(),
            message: format!("risk {number}"),
            object: String::new(),
        };
        preview.risks = (1..=12).map(risk).collect();
        (prepared, preview)
    };
    let mut program = Program::review(Config::default(), (100, 30), many).await;
    program.shows("! risk 1");
    program.lacks("risk 12");
    program.shows("more: p shows all");
    program.keys("p");
    program.shows("! risk 12");
    program.lacks("shows all");
}

#[tokio::test]
async fn what_the_server_refuses_and_what_is_held_ask_once_more() {
    let refused = |ready: Reviewed| {
        let mut ready = without_conflicts(ready);
        ready.1.objects[0].refusal = Some("spec.selector: field is immutable".into());
        ready
    };
    let mut program = Program::review(Config::default(), (100, 30), refused).await;
    program.keys("l enter");
    program.shows("The server refuses 1 of these changes");
    program.keys("enter");
    program.lacks("The server refuses 1 of these changes");
    assert!(!program.executes(), "Cancel is chosen first");
    program.keys("enter l enter");
    assert!(program.executes(), "{}", program.screen());

    let held = |ready: Reviewed| {
        let mut ready = without_conflicts(ready);
        if let Some(newest) = &mut ready.0.newest {
            newest.status = Status::PendingUpgrade;
        }
        ready.0.warnings = vec!["revision 5 is pending-upgrade since 3 h".into()];
        ready
    };
    let mut program = Program::review(Config::default(), (100, 30), held).await;
    program.keys("l enter");
    program.shows("revision 5 is pending-upgrade since 3 h");
    assert!(!program.executes());
}

#[tokio::test]
async fn esc_clears_the_filter_before_it_leaves() {
    let mut program = Program::review(Config::default(), (100, 30), two_stay).await;
    program.keys("tab /");
    program.type_text("Deployment");
    program.keys("enter");
    program.lacks("objects stay");
    program.keys("esc");
    program.shows("objects stay");
    program.keys("esc");
    assert!(matches!(program.app.screen(), Screen::Releases(_)));
}

#[tokio::test]
async fn a_preview_that_fails_says_why_and_ctrl_r_asks_again() {
    let mut program = Program::review(Config::default(), (100, 30), without_conflicts).await;
    let failed = Report::new("release: not found").hint("ctrl-r reads it again");
    program.news(REVIEW, "preview", News::Previewed(Err(failed)));
    program.shows("release: not found");
    program.shows("ctrl-r reads it again");
    program.jobs.clear();
    program.keys("ctrl-r");
    assert!(program.previews().is_some());
}

#[tokio::test]
async fn the_operation_shows_what_blocks_and_how_it_ended() {
    let mut program = Program::operation((100, 30)).await;
    running(&mut program);
    program.shows("◐ Deployment/checkout   Available: 2/4   checkout-7c9f-x2: ImagePullBackOff");
    program.shows("checkout-migrate │ applying 0042_down.sql … ␛[32mok");
    program.executed(Ok(outcome()));
    program.shows("✓ revision 6 of checkout is deployed: 1 created, 3 updated, 1 deleted, 4 unchanged");
    program.lacks("cancels");
}

#[tokio::test]
async fn a_release_that_moved_is_reviewed_anew() {
    let mut program = Program::operation((100, 30)).await;
    program.executed(Err(engine::Error::Moved(vec!["Deployment/checkout changed".into()])));
    program.shows("Could not roll back checkout");
    program.shows("Deployment/checkout changed");
    program.shows("ctrl-r reviews it anew");
    program.jobs.clear();
    program.keys("ctrl-r");
    assert!(matches!(program.app.screen(), Screen::Review(_)));
    let asked = program.previews().map(|(request, _)| request);
    assert!(matches!(asked, Some(Request::Rollback(RollbackTarget::Revision(4)))));
}

#[tokio::test]
async fn the_cancel_key_cancels_and_the_end_is_waited_for() {
    let mut program = Program::operation((100, 30)).await;
    running(&mut program);
    program.jobs.clear();
    program.keys("x");
    assert!(program.jobs.iter().any(|job| matches!(&job.effect, Effect::Cancel(slot) if slot.0 == "operation")));
    program.shows("Cancelling checkout");
    program.progress([Progress::Cancelling("writing the final status".into())]);
    program.shows("cancelling: writing the final status");
    assert_eq!(program.app.running().len(), 1);
    program.executed(Err(engine::Error::Cancelled("revision 6 is failed".into())));
    program.shows("revision 6 is failed");
    assert!(program.app.running().is_empty());
}

#[tokio::test]
async fn an_operation_runs_on_elsewhere_and_ctrl_o_comes_back() {
    let mut program = Program::operation((100, 30)).await;
    running(&mut program);
    program.keys("esc");
    assert!(matches!(program.app.screen(), Screen::Releases(_)));
    program.shows("1 running");
    program.keys("ctrl-o");
    program.shows("Rolling back checkout → 4 (as revision 6)");
    program.keys("esc");
    program.executed(Ok(outcome()));
    program.lacks("1 running");
    program.keys("ctrl-o");
    program.shows("Rolled back checkout → 4 (as revision 6)");
}

#[tokio::test]
async fn the_log_keeps_one_line_an_operation_with_the_command_of_helm() {
    let mut program = Program::operation((160, 30)).await;
    let entries = |program: &Program| -> Vec<(Mark, String, String)> {
        let log = program.app.shared.log.iter();
        log.map(|entry| (entry.mark, entry.what.clone(), entry.command.clone())).collect()
    };
    let what = "roll back checkout in payments to revision 4".to_owned();
    let command = "helm rollback checkout 4 --namespace payments --kube-context prod-eu".to_owned();
    assert_eq!(entries(&program), [(Mark::Running, what.clone(), command.clone())]);
    // The context that was looked at when it began counts.
    program.app.shared.context = "dev".into();
    program.executed(Ok(outcome()));
    assert_eq!(entries(&program), [(Mark::Good, what, command)]);
    program.keys("ctrl-l");
    program.shows("✓ roll back checkout in payments to revision 4");
    program.shows("helm rollback checkout 4 --namespace payments");
}

#[tokio::test]
async fn health_is_read_again_while_somebody_looks_and_never_for_nobody() {
    let mut program = Program::home((100, 30));
    program.app.shared.storage = Some(checkout().await.0);
    let looks = |program: &mut Program, after: i64, event: Event| {
        program.jobs.clear();
        program.app.shared.clock += after;
        program.event(event);
        program.started(|task| matches!(task, Task::Condition(..)))
    };
    let key = || Event::Key(KeyPress::parse("j").expect("a key").event());
    // The one that was never read is asked for at once; the others are as old as their records' first look.
    assert!(looks(&mut program, 0, Event::Clock));
    program.event(Event::Ended(HOME, Slot("condition", "orders/catalog".into())));
    assert!(!looks(&mut program, 29_000, key()));
    assert!(!looks(&mut program, 3_600_000, Event::Clock));
    assert!(looks(&mut program, 1_000, key()));
}
