//! A value that many callers need and one of them fetches.

use std::sync::{Arc, Mutex, PoisonError};

use tokio::sync::OnceCell;

/// Fetched by the first caller; callers in the meantime wait for that fetch instead of making their own.
/// A fetch that fails or is dropped leaves the place to the next caller.
pub(super) struct Shared<T> {
    // The lock guards only the exchange of the cell, so it is never held across an await.
    cell: Mutex<Arc<OnceCell<Arc<T>>>>,
}

impl<T> Default for Shared<T> {
    fn default() -> Self {
        Self { cell: Mutex::new(Arc::default()) }
    }
}

impl<T> Shared<T> {
    /// The value, fetched if there is none.
    pub(super) async fn get<E, F>(&self, fetch: impl FnOnce() -> F) -> Result<Arc<T>, E>
    where
        F: Future<Output = Result<T, E>>,
    {
        let cell = Arc::clone(&self.cell.lock().unwrap_or_else(PoisonError::into_inner));
        cell.get_or_try_init(|| async { fetch().await.map(Arc::new) }).await.cloned()
    }

    /// Forgets the value if it is `stale`; the next caller fetches. A fetch under way is left alone.
    pub(super) fn forget_if(&self, stale: impl FnOnce(&Arc<T>) -> bool) {
        let mut cell = self.cell.lock().unwrap_or_else(PoisonError::into_inner);
        if cell.get().is_some_and(stale) {
            *cell = Arc::default();
        }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicUsize, Ordering};

    use super::*;

    #[tokio::test]
    async fn concurrent_callers_share_one_fetch_and_a_failure_is_not_kept() {
        let shared = Shared::default();
        let fetches = AtomicUsize::new(0);
        let fetch = || async {
            tokio::task::yield_now().await;
            Ok::<_, ()>(fetches.fetch_add(1, Ordering::SeqCst))
        };

        assert_eq!(shared.get(|| async { Err("no") }).await, Err("no"));
        let all = futures::future::join_all((0..5).map(|_| shared.get(fetch))).await;
        assert!(all.iter().all(|value| value.as_deref() == Ok(&0)), "{all:?}");

        shared.forget_if(|value| **value == 7);
        assert_eq!(shared.get(fetch).await.as_deref(), Ok(&0));
        shared.forget_if(|value| **value == 0);
        assert_eq!(shared.get(fetch).await.as_deref(), Ok(&1));
    }
}
