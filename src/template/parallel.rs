//! Work that two threads share.

use std::{
    panic,
    sync::atomic::{AtomicUsize, Ordering},
    thread,
};

use super::stack;

/// How many bytes must be read for a second thread to be worth its start.
const WORTHWHILE: usize = 256 * 1024;

/// What `work` makes of each item, in their order. A second thread helps where so many bytes are to be read that it pays;
/// more of them would mostly wait for memory.
pub(crate) fn map<T: Sync, R: Send>(items: &[T], bytes: usize, work: impl Fn(&T) -> R + Sync) -> Vec<R> {
    if bytes < WORTHWHILE || items.len() < 2 {
        return items.iter().map(work).collect();
    }
    let next = AtomicUsize::new(0);
    let take = || {
        let index = next.fetch_add(1, Ordering::Relaxed);
        items.get(index).map(|item| (index, work(item)))
    };
    let all = || std::iter::from_fn(take).collect::<Vec<_>>();
    let mut results = thread::scope(|scope| {
        // Where no thread can be had, the one that is there does it all.
        let helper = thread::Builder::new().stack_size(stack::SIZE).spawn_scoped(scope, all);
        let mut results = all();
        if let Ok(helper) = helper {
            results.extend(helper.join().unwrap_or_else(|panic| panic::resume_unwind(panic)));
        }
        results
    });
    results.sort_unstable_by_key(|(index, _)| *index);
    results.into_iter().map(|(_, result)| result).collect()
}

#[cfg(test)]
mod tests {
    #[test]
    fn results_are_in_the_order_of_the_items() {
        let items: Vec<usize> = (0..1000).collect();
        let squares: Vec<usize> = items.iter().map(|number| number * number).collect();
        assert_eq!(super::map(&items, 0, |number| number * number), squares);
        assert_eq!(super::map(&items, usize::MAX, |number| number * number), squares);
    }
}
