//! What an operation has told so far, put together for whoever shows it.

use std::collections::BTreeMap;

use super::{Phase, Progress};
use crate::{
    cluster::readiness::{Readiness, Status},
    diff::Change,
    manifest::ObjectKey,
};

/// Where an operation is.
#[derive(Debug, Clone, Default)]
pub struct Course {
    /// The phases that began.
    pub phases: BTreeMap<Phase, Steps>,
    /// The phase that began last.
    pub phase: Option<Phase>,
    /// Everything applied, deleted or waited for, in the order it was first told of.
    pub objects: Vec<Tracked>,
    /// The hooks that ran, in order.
    pub hooks: Vec<TrackedHook>,
    /// The charts that are being put in place, where sub-charts are ordered.
    pub charts: Vec<String>,
    /// Revision and status word of the record written last.
    pub record: Option<(u32, String)>,
    /// Whether it failed and is being undone.
    pub undoes: bool,
    told: usize,
}

/// How far a phase is.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Steps {
    /// What it has to do.
    pub total: usize,
    /// What of that is done.
    pub done: usize,
    /// Whether it ended well.
    pub finished: bool,
}

/// An object, as far as it was told of.
#[derive(Debug, Clone)]
pub struct Tracked {
    /// Which.
    pub key: ObjectKey,
    /// What was done to it; `None` for what is only waited for, as what hooks make.
    pub change: Option<Change>,
    /// Why that failed.
    pub failure: Option<String>,
    /// Its readiness, once it is waited for.
    pub readiness: Option<Readiness>,
    /// What keeps it from being ready.
    pub blocker: Option<String>,
    /// When it was first told of and when last, counted in steps.
    pub told: (usize, usize),
}

/// A hook, as far as it was told of.
#[derive(Debug, Clone)]
pub struct TrackedHook {
    /// Its name.
    pub name: String,
    /// The last line of its log.
    pub line: String,
    /// Whether it succeeded, and after how many milliseconds.
    pub ended: Option<(bool, u64)>,
    /// As for an object.
    pub told: (usize, usize),
}

/// How something stands, what needs attention first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Standing {
    /// It could not be applied, or ran and failed.
    Failed,
    /// It waits for something that is told, or will not become ready by itself.
    Blocked,
    /// It waits, or runs.
    Waiting,
    /// It is as it should be.
    Done,
}

impl Course {
    /// Takes the next step in.
    pub fn hear(&mut self, progress: &Progress) {
        self.told += 1;
        match progress {
            Progress::PhaseStarted(phase, total) => self.begin(*phase, *total),
            Progress::PhaseDone(phase) => {
                let steps = self.phases.entry(*phase).or_default();
                (steps.done, steps.finished) = (steps.total, true);
            }
            Progress::RecordWritten(revision, status) => self.record = Some((*revision, status.clone())),
            Progress::Stage(charts) => self.charts.clone_from(charts),
            Progress::Object(key, change) => {
                let phase = if *change == Change::Delete { Phase::Delete } else { Phase::Apply };
                self.phases.entry(phase).or_default().done += 1;
                let object = self.object(key);
                (object.change, object.failure) = (Some(*change), None);
                (object.readiness, object.blocker) = (None, None);
            }
            Progress::ObjectFailed(key, words) => self.object(key).failure = Some(words.clone()),
            Progress::Waiting(key, readiness, blocker) => {
                let object = self.object(key);
                (object.readiness, object.blocker) = (Some(readiness.clone()), blocker.clone());
                let ready = |object: &&Tracked| object.is_awaited() && object.standing() == Standing::Done;
                let done = self.objects.iter().filter(ready).count();
                self.phases.entry(Phase::Wait).and_modify(|steps| steps.done = done);
            }
            Progress::HookStarted(name) => {
                let told = (self.told, self.told);
                self.hooks.push(TrackedHook { name: name.clone(), line: String::new(), ended: None, told });
            }
            Progress::HookLog(name, line) => self.hook(name, |hook| hook.line.clone_from(line)),
            Progress::HookDone(name, good, millis) => {
                self.hook(name, |hook| hook.ended = Some((*good, *millis)));
                if let Some(steps) = self.phase.and_then(|phase| self.phases.get_mut(&phase)) {
                    steps.done += usize::from(*good);
                }
            }
            Progress::HookOutput(..) | Progress::Warning(_) | Progress::Cancelling(_) => {}
        }
    }

    fn begin(&mut self, phase: Phase, total: usize) {
        if phase == Phase::Record && !self.phases.is_empty() {
            // What failed is undone, which is an operation of its own.
            self.undoes = true;
            self.phases.clear();
        }
        self.phase = Some(phase);
        self.phases.insert(phase, Steps { total, ..Steps::default() });
    }

    fn object(&mut self, key: &ObjectKey) -> &mut Tracked {
        let told = self.told;
        let at = self.objects.iter().position(|object| object.key == *key).unwrap_or_else(|| {
            self.objects.push(Tracked::new(key, told));
            self.objects.len() - 1
        });
        self.objects[at].told.1 = told;
        &mut self.objects[at]
    }

    /// The last run of a hook.
    fn hook(&mut self, name: &str, tell: impl FnOnce(&mut TrackedHook)) {
        if let Some(hook) = self.hooks.iter_mut().rev().find(|hook| hook.name == name) {
            hook.told.1 = self.told;
            tell(hook);
        }
    }
}

impl Tracked {
    fn new(key: &ObjectKey, told: usize) -> Self {
        Self { key: key.clone(), change: None, failure: None, readiness: None, blocker: None, told: (told, told) }
    }

    /// Whether it is one of the release's and waited for.
    fn is_awaited(&self) -> bool {
        self.change.is_some() && self.readiness.is_some()
    }

    /// How it stands.
    pub fn standing(&self) -> Standing {
        let wanted = if self.change == Some(Change::Delete) { Status::NotFound } else { Status::Current };
        match (&self.failure, &self.readiness) {
            (Some(_), _) => Standing::Failed,
            (None, None) => Standing::Done,
            (None, Some(readiness)) if readiness.status == wanted => Standing::Done,
            (None, Some(readiness)) if readiness.status == Status::Failed => Standing::Blocked,
            (None, Some(_)) if self.blocker.is_some() => Standing::Blocked,
            (None, Some(_)) => Standing::Waiting,
        }
    }
}

impl TrackedHook {
    /// How it stands.
    pub fn standing(&self) -> Standing {
        match self.ended {
            None => Standing::Waiting,
            Some((true, _)) => Standing::Done,
            Some((false, _)) => Standing::Failed,
        }
    }

    /// How long it took, in seconds, once it ended.
    pub fn took(&self) -> Option<String> {
        self.ended.map(|(_, millis)| format!("{}.{} s", millis / 1000, millis % 1000 / 100))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn key(name: &str) -> ObjectKey {
        let [group, namespace] = [const { String::new() }; 2];
        ObjectKey { group, kind: "Deployment".to_owned(), namespace, name: name.to_owned() }
    }

    fn waiting(name: &str, status: Status, blocker: Option<&str>) -> Progress {
        Progress::Waiting(key(name), Readiness { status, ..Readiness::unknown() }, blocker.map(str::to_owned))
    }

    fn course(steps: &[Progress]) -> Course {
        let mut course = Course::default();
        steps.iter().for_each(|step| course.hear(step));
        course
    }

    #[test]
    fn objects_stand_as_they_were_last_told_of() {
        let steps = [
            Progress::PhaseStarted(Phase::Apply, 3),
            Progress::Object(key("a"), Change::Update),
            Progress::Object(key("b"), Change::Delete),
            Progress::ObjectFailed(key("c"), "no".to_owned()),
            Progress::PhaseStarted(Phase::Wait, 2),
            waiting("a", Status::InProgress, Some("a-1: no image")),
            waiting("b", Status::NotFound, None),
        ];
        let told = course(&steps);
        let standings: Vec<Standing> = told.objects.iter().map(Tracked::standing).collect();
        assert_eq!(standings, [Standing::Blocked, Standing::Done, Standing::Failed]);
        assert_eq!(told.phases[&Phase::Wait], Steps { total: 2, done: 1, finished: false });
        assert_eq!(told.objects[0].told, (2, 6));
    }

    #[test]
    fn what_fails_and_is_undone_begins_anew() {
        let steps = [
            Progress::PhaseStarted(Phase::Record, 1),
            Progress::PhaseStarted(Phase::Apply, 1),
            Progress::ObjectFailed(key("a"), "no".to_owned()),
            Progress::PhaseStarted(Phase::Record, 1),
            Progress::Object(key("a"), Change::Update),
        ];
        let told = course(&steps);
        assert!(told.undoes && !course(&steps[..3]).undoes);
        assert_eq!(told.objects[0].standing(), Standing::Done);
    }

    #[test]
    fn hooks_count_for_the_phase_they_run_in() {
        let steps = [
            Progress::PhaseStarted(Phase::PreHooks, 2),
            Progress::HookStarted("migrate".to_owned()),
            Progress::HookLog("migrate".to_owned(), "step 1".to_owned()),
            Progress::HookDone("migrate".to_owned(), true, 1234),
            Progress::HookStarted("check".to_owned()),
        ];
        let told = course(&steps);
        assert_eq!(told.phases[&Phase::PreHooks], Steps { total: 2, done: 1, finished: false });
        assert_eq!((told.hooks[0].line.as_str(), told.hooks[0].took().as_deref()), ("step 1", Some("1.2 s")));
        assert_eq!(told.hooks[1].standing(), Standing::Waiting);
    }
}
