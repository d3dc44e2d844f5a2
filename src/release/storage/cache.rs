//! Decoded records, so that looking twice costs one request.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};

use crate::release::Release;

/// Bytes of decoded records kept.
const CAPACITY: usize = 64 << 20;

/// A record's object in one state: its UID and resourceVersion.
type Key = (String, String);

/// Decoded records, the least recently used going first.
#[derive(Default)]
pub(super) struct Cache(Mutex<Entries>);

#[derive(Default)]
struct Entries {
    entries: HashMap<Key, Entry>,
    size: usize,
    clock: u64,
}

struct Entry {
    release: Arc<Release>,
    size: usize,
    used: u64,
}

impl Cache {
    pub fn get(&self, uid: &str, version: &str) -> Option<Arc<Release>> {
        let mut cache = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        cache.clock += 1;
        let now = cache.clock;
        let entry = cache.entries.get_mut(&(uid.to_owned(), version.to_owned()))?;
        entry.used = now;
        Some(Arc::clone(&entry.release))
    }

    pub fn put(&self, uid: &str, version: &str, release: &Arc<Release>) {
        self.put_within(CAPACITY, uid, version, release);
    }

    fn put_within(&self, capacity: usize, uid: &str, version: &str, release: &Arc<Release>) {
        let size = size_of_release(release);
        if size > capacity {
            return;
        }
        let mut cache = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        cache.clock += 1;
        let entry = Entry { release: Arc::clone(release), size, used: cache.clock };
        let before = cache.entries.insert((uid.to_owned(), version.to_owned()), entry);
        cache.size += size;
        cache.size -= before.map_or(0, |entry| entry.size);
        cache.shrink(capacity);
    }
}

impl Entries {
    fn shrink(&mut self, capacity: usize) {
        while self.size > capacity {
            let oldest = self.entries.iter().min_by_key(|(_, entry)| entry.used);
            let Some(key) = oldest.map(|(key, _)| key.clone()) else {
                return;
            };
            self.size -= self.entries.remove(&key).map_or(0, |entry| entry.size);
        }
    }
}

/// About the bytes a release holds: its long texts, and a little for the rest.
fn size_of_release(release: &Release) -> usize {
    let hooks: usize = release.hooks.iter().map(|hook| hook.manifest.len()).sum();
    let chart = release.chart.raw().map_or(0, str::len);
    chart + release.manifest.len() + release.info.notes.len() + hooks + 4096
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_least_recently_used_goes_first() {
        let cache = Cache::default();
        let release = Arc::new(Release::default());
        let room_for_two = 2 * size_of_release(&release);
        for uid in ["a", "b"] {
            cache.put_within(room_for_two, uid, "1", &release);
        }
        assert!(cache.get("a", "1").is_some());
        cache.put_within(room_for_two, "c", "1", &release);
        cache.put_within(room_for_two, "c", "1", &release);
        let kept = ["a", "b", "c"].map(|uid| cache.get(uid, "1").is_some());
        assert_eq!(kept, [true, false, true]);
        assert!(cache.get("a", "2").is_none(), "another version");
    }
}
