//! The flags of operations as toggles of *Review*, each with what says the same to Helm. One table an operation.

use std::time::Duration;

use crate::{
    cluster::{apply::Propagation, wait::WaitStrategy},
    engine::{Crds, Operation, Options, Reuse, ServerSideMode},
    tui::{config::ReviewDefaults, format},
};

/// A flag.
pub(super) struct Flag {
    /// Its name on the screen.
    pub(super) name: &'static str,
    kind: Kind,
}

enum Kind {
    /// On or off, and what tells Helm when that is not its default.
    Switch { is_on: fn(&Options) -> bool, turn: fn(&mut Options), helm: &'static str },
    /// One of several.
    Choice { step: fn(&mut Options), state: fn(&Options) -> String, helm: fn(&Options) -> Option<String> },
}

const fn switch(name: &'static str, helm: &'static str, is_on: fn(&Options) -> bool, turn: fn(&mut Options)) -> Flag {
    Flag { name, kind: Kind::Switch { is_on, turn, helm } }
}

const fn choice(
    name: &'static str,
    state: fn(&Options) -> String,
    step: fn(&mut Options),
    helm: fn(&Options) -> Option<String>,
) -> Flag {
    Flag { name, kind: Kind::Choice { step, state, helm } }
}

/// The timeouts to step through, in seconds.
const TIMEOUTS: [u64; 5] = [60, 300, 600, 1_800, 3_600];

/// For what starts from records: they hold no order of sub-charts.
const WAIT: Flag = choice("wait", wait, |options| options.wait = next_wait(options.wait, false), wait_flag);
const WAIT_IN_ORDER: Flag = choice("wait", wait, |options| options.wait = next_wait(options.wait, true), wait_flag);

fn wait(options: &Options) -> String {
    let word = match options.wait {
        WaitStrategy::HookOnly => "off",
        WaitStrategy::Watcher => "on",
        WaitStrategy::Ordered => "ordered",
        WaitStrategy::Legacy => "legacy",
    };
    word.to_owned()
}

fn next_wait(wait: WaitStrategy, ordered: bool) -> WaitStrategy {
    match wait {
        WaitStrategy::HookOnly => WaitStrategy::Watcher,
        WaitStrategy::Watcher if ordered => WaitStrategy::Ordered,
        WaitStrategy::Watcher | WaitStrategy::Ordered => WaitStrategy::Legacy,
        WaitStrategy::Legacy => WaitStrategy::HookOnly,
    }
}

fn wait_flag(options: &Options) -> Option<String> {
    match options.wait {
        WaitStrategy::HookOnly => None,
        // Helm knows no order.
        WaitStrategy::Watcher | WaitStrategy::Ordered => Some("--wait".to_owned()),
        WaitStrategy::Legacy => Some("--wait=legacy".to_owned()),
    }
}

const TIMEOUT: Flag = choice(
    "timeout",
    |options| format::whole(options.timeout),
    |options| {
        let longer = TIMEOUTS.iter().find(|seconds| **seconds > options.timeout.as_secs());
        options.timeout = Duration::from_secs(*longer.unwrap_or(&TIMEOUTS[0]));
    },
    |options| {
        let seconds = options.timeout.as_secs();
        (seconds != Options::default().timeout.as_secs()).then(|| format!("--timeout {seconds}s"))
    },
);

const SERVER_SIDE: Flag = choice(
    "server-side",
    |options| {
        let word = match options.server_side {
            ServerSideMode::Auto => "auto",
            ServerSideMode::True => "on",
            ServerSideMode::False => "off",
        };
        word.to_owned()
    },
    |options| {
        options.server_side = match options.server_side {
            ServerSideMode::Auto => ServerSideMode::True,
            ServerSideMode::True => ServerSideMode::False,
            ServerSideMode::False => ServerSideMode::Auto,
        };
    },
    |options| match options.server_side {
        ServerSideMode::Auto => None,
        ServerSideMode::True => Some("--server-side=true".to_owned()),
        ServerSideMode::False => Some("--server-side=false".to_owned()),
    },
);

const CASCADE: Flag = choice(
    "cascade",
    |options| cascade(options).to_owned(),
    |options| {
        options.cascade = match options.cascade {
            Propagation::Background => Propagation::Foreground,
            Propagation::Foreground => Propagation::Orphan,
            Propagation::Orphan => Propagation::Background,
        };
    },
    |options| (options.cascade != Propagation::Background).then(|| format!("--cascade {}", cascade(options))),
);

fn cascade(options: &Options) -> &'static str {
    match options.cascade {
        Propagation::Background => "background",
        Propagation::Foreground => "foreground",
        Propagation::Orphan => "orphan",
    }
}

const JOBS: Flag =
    switch("jobs", "--wait-for-jobs", |options| options.wait_for_jobs, |options| options.wait_for_jobs ^= true);
const HOOKS: Flag = switch("hooks", "--no-hooks", |options| !options.no_hooks, |options| options.no_hooks ^= true);
const TAKE_FIELDS: Flag = switch(
    "take fields",
    "--force-conflicts",
    |options| options.force_conflicts,
    |options| options.force_conflicts ^= true,
);
const TAKE_OBJECTS: Flag = switch(
    "take objects",
    "--take-ownership",
    |options| options.take_ownership,
    |options| options.take_ownership ^= true,
);
const REPLACE: Flag =
    switch("replace", "--force-replace", |options| options.force_replace, |options| options.force_replace ^= true);
const CLEANUP: Flag = switch(
    "cleanup",
    "--cleanup-on-fail",
    |options| options.cleanup_on_fail,
    |options| options.cleanup_on_fail ^= true,
);
const CUSTOM: Flag = switch(
    "custom 3-way",
    // Helm has no word for it.
    "",
    |options| options.three_way_custom_resources,
    |options| options.three_way_custom_resources ^= true,
);
const GO_BACK: Flag = switch(
    "undo on failure",
    "--rollback-on-failure",
    |options| options.rollback_on_failure,
    |options| options.rollback_on_failure ^= true,
);
const NAMESPACE: Flag = switch(
    "create namespace",
    "--create-namespace",
    |options| options.create_namespace,
    |options| options.create_namespace ^= true,
);
const CRDS: Flag = choice(
    "CRDs",
    |options| {
        let word = match options.crds {
            Crds::Install => "create",
            Crds::Skip => "skip",
            Crds::Apply => "apply",
        };
        word.to_owned()
    },
    |options| {
        options.crds = match options.crds {
            Crds::Install => Crds::Skip,
            Crds::Skip => Crds::Apply,
            Crds::Apply => Crds::Install,
        };
    },
    |options| (options.crds == Crds::Skip).then(|| "--skip-crds".to_owned()),
);
const APPLY_CRDS: Flag = switch(
    "apply CRDs",
    // Helm leaves them alone.
    "",
    |options| options.crds == Crds::Apply,
    |options| options.crds = if options.crds == Crds::Apply { Crds::Install } else { Crds::Apply },
);
const REUSE_NAME: Flag =
    switch("reuse name", "--replace", |options| options.replace, |options| options.replace ^= true);
const KEEP_HISTORY: Flag =
    switch("keep history", "--keep-history", |options| options.keep_history, |options| options.keep_history ^= true);

/// The flags of an operation. The first nine have a digit for a key.
pub(super) const fn of(operation: Operation) -> &'static [Flag] {
    match operation {
        Operation::Install => &[
            WAIT_IN_ORDER,
            JOBS,
            TIMEOUT,
            HOOKS,
            NAMESPACE,
            GO_BACK,
            SERVER_SIDE,
            TAKE_FIELDS,
            TAKE_OBJECTS,
            CRDS,
            REUSE_NAME,
        ],
        Operation::Upgrade => &[
            WAIT_IN_ORDER,
            JOBS,
            TIMEOUT,
            HOOKS,
            SERVER_SIDE,
            TAKE_FIELDS,
            GO_BACK,
            TAKE_OBJECTS,
            CLEANUP,
            REPLACE,
            CUSTOM,
            APPLY_CRDS,
        ],
        Operation::Rollback => &[WAIT, JOBS, TIMEOUT, HOOKS, SERVER_SIDE, TAKE_FIELDS, REPLACE, CLEANUP, CUSTOM],
        Operation::Uninstall => &[WAIT, TIMEOUT, HOOKS, KEEP_HISTORY, CASCADE],
    }
}

/// The place of "take fields that others own" among the flags of an operation.
pub(super) fn take_fields(operation: Operation) -> Option<usize> {
    of(operation).iter().position(|flag| flag.name == TAKE_FIELDS.name)
}

/// What a review starts with. The values that were reviewed are all there are: none of before come in unseen.
pub(super) fn initial(defaults: &ReviewDefaults) -> Options {
    Options {
        wait: if defaults.wait { WaitStrategy::Watcher } else { WaitStrategy::HookOnly },
        timeout: defaults.timeout,
        history_max: defaults.history_max,
        reuse: Reuse::Reset,
        ..Options::default()
    }
}

impl Flag {
    /// Changes it.
    pub(super) fn step(&self, options: &mut Options) {
        match self.kind {
            Kind::Switch { turn, .. } => turn(options),
            Kind::Choice { step, .. } => step(options),
        }
    }

    /// How it stands, in a word.
    pub(super) fn state(&self, options: &Options) -> String {
        match self.kind {
            Kind::Switch { is_on, .. } => if is_on(options) { "on" } else { "off" }.to_owned(),
            Kind::Choice { state, .. } => state(options),
        }
    }

    /// What says so to Helm, unless it is Helm's default.
    pub(super) fn helm(&self, options: &Options) -> Option<String> {
        match self.kind {
            Kind::Switch { is_on, helm, .. } => {
                let is_told = is_on(options) != is_on(&Options::default()) && !helm.is_empty();
                is_told.then(|| helm.to_owned())
            }
            Kind::Choice { helm, .. } => helm(options),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const ALL: [Operation; 4] = [Operation::Install, Operation::Upgrade, Operation::Rollback, Operation::Uninstall];

    #[test]
    fn every_flag_changes_its_own_words_and_comes_round_again() {
        for operation in ALL {
            let flags = of(operation);
            let words = |options: &Options| flags.iter().map(|flag| flag.state(options)).collect::<Vec<_>>();
            for (at, flag) in flags.iter().enumerate() {
                let mut options = initial(&ReviewDefaults::default());
                let before = words(&options);
                flag.step(&mut options);
                let after = words(&options);
                let changed: Vec<usize> = (0..flags.len()).filter(|at| before[*at] != after[*at]).collect();
                assert_eq!(changed, [at]);
                // A multiple of how many states any of them has.
                for _ in 1..TIMEOUTS.len() * 12 {
                    flag.step(&mut options);
                }
                assert_eq!(words(&options), before, "{}", flag.name);
            }
        }
    }

    #[test]
    fn helm_s_defaults_need_no_words_and_everything_else_has_some() {
        for operation in ALL {
            for flag in of(operation) {
                let mut options = Options::default();
                assert_eq!(flag.helm(&options), None, "{}", flag.name);
                flag.step(&mut options);
                let told = flag.helm(&options).unwrap_or_default();
                let is_helms = ![CUSTOM.name, APPLY_CRDS.name].contains(&flag.name);
                assert_eq!(told.starts_with("--"), is_helms, "{}: {told}", flag.name);
            }
        }
    }
}
