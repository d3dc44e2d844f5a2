//! The flags of a rollback as toggles: each step makes a new preview.

use std::time::Duration;

use crate::{
    cluster::wait::WaitStrategy,
    engine::{Options, ServerSideMode},
    tui::config::RollbackDefaults,
};

/// How many flags there are.
pub(super) const COUNT: usize = 9;
/// The place of "take fields that others own".
pub(super) const TAKE_FIELDS: usize = 5;

/// The timeouts to step through, in seconds.
const TIMEOUTS: [u64; 5] = [60, 300, 600, 1_800, 3_600];

/// What a review starts with.
pub(super) fn initial(defaults: &RollbackDefaults) -> Options {
    Options {
        wait: if defaults.wait { WaitStrategy::Watcher } else { WaitStrategy::HookOnly },
        timeout: defaults.timeout,
        history_max: defaults.history_max,
        ..Options::default()
    }
}

/// Changes one flag; false when there is none of that number.
pub(super) fn toggle(options: &mut Options, flag: usize) -> bool {
    match flag {
        0 => {
            options.wait = match options.wait {
                WaitStrategy::HookOnly => WaitStrategy::Watcher,
                _ => WaitStrategy::HookOnly,
            };
        }
        1 => options.wait_for_jobs = !options.wait_for_jobs,
        2 => {
            let longer = TIMEOUTS.iter().find(|seconds| **seconds > options.timeout.as_secs());
            options.timeout = Duration::from_secs(*longer.unwrap_or(&TIMEOUTS[0]));
        }
        3 => options.no_hooks = !options.no_hooks,
        4 => {
            options.server_side = match options.server_side {
                ServerSideMode::Auto => ServerSideMode::True,
                ServerSideMode::True => ServerSideMode::False,
                ServerSideMode::False => ServerSideMode::Auto,
            };
        }
        TAKE_FIELDS => options.force_conflicts = !options.force_conflicts,
        6 => options.force_replace = !options.force_replace,
        7 => options.cleanup_on_fail = !options.cleanup_on_fail,
        8 => options.three_way_custom_resources = !options.three_way_custom_resources,
        _ => return false,
    }
    true
}

/// Name and state of every flag, in the order of their numbers.
pub(super) fn words(options: &Options) -> [(&'static str, String); COUNT] {
    let on = |flag: bool| if flag { "on" } else { "off" }.to_owned();
    let server_side = match options.server_side {
        ServerSideMode::Auto => "auto",
        ServerSideMode::True => "on",
        ServerSideMode::False => "off",
    };
    [
        ("wait", on(options.wait != WaitStrategy::HookOnly)),
        ("jobs", on(options.wait_for_jobs)),
        ("timeout", timeout(options.timeout)),
        ("hooks", on(!options.no_hooks)),
        ("server-side", server_side.to_owned()),
        ("take fields", on(options.force_conflicts)),
        ("replace", on(options.force_replace)),
        ("cleanup", on(options.cleanup_on_fail)),
        ("custom 3-way", on(options.three_way_custom_resources)),
    ]
}

/// A duration in the largest unit that is whole, `5m`.
pub(super) fn timeout(timeout: Duration) -> String {
    match timeout.as_secs() {
        seconds if seconds % 3_600 == 0 => format!("{}h", seconds / 3_600),
        seconds if seconds % 60 == 0 => format!("{}m", seconds / 60),
        seconds => format!("{seconds}s"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_flag_changes_its_own_words_and_comes_round_again() {
        for flag in 0..COUNT {
            let mut options = initial(&RollbackDefaults::default());
            let before = words(&options);
            assert!(toggle(&mut options, flag));
            let after = words(&options);
            let changed: Vec<usize> = (0..COUNT).filter(|at| before[*at] != after[*at]).collect();
            assert_eq!(changed, [flag]);
            for _ in 1..TIMEOUTS.len() * 6 {
                toggle(&mut options, flag);
            }
            assert_eq!(words(&options), before, "{flag}");
        }
        assert!(!toggle(&mut Options::default(), COUNT));
    }
}
