//! Records as they come from the watch, and the newest of each release.

use std::collections::{BTreeMap, HashMap};

use super::row::ReleaseRow;
use crate::release::{RecordMeta, storage::StorageEvent};

/// Namespace and name.
pub type Key = (String, String);

/// Every record heard of, by release.
#[derive(Default)]
pub struct Book {
    records: BTreeMap<Key, BTreeMap<u32, RecordMeta>>,
    /// Release and revision of each record object, by namespace and object name.
    places: HashMap<Key, (String, u32)>,
    rows: BTreeMap<Key, ReleaseRow>,
}

impl Book {
    /// Takes what a watch of a scope (a namespace, or all when empty) tells.
    pub fn hear(&mut self, scope: &str, event: StorageEvent) {
        match event {
            StorageEvent::Restarted(all) => {
                let gone = |namespace: &str| scope.is_empty() || namespace == scope;
                self.records.retain(|(namespace, _), _| !gone(namespace));
                self.places.retain(|(namespace, _), _| !gone(namespace));
                for meta in all {
                    self.insert(meta);
                }
                self.refresh_all();
            }
            StorageEvent::Applied(meta) => {
                let key = (meta.namespace.clone(), meta.name.clone());
                self.insert(meta);
                self.refresh(&key);
            }
            StorageEvent::Gone { namespace, record } => {
                if let Some((name, revision)) = self.places.remove(&(namespace.clone(), record)) {
                    let key = (namespace, name);
                    if let Some(records) = self.records.get_mut(&key) {
                        records.remove(&revision);
                    }
                    self.refresh(&key);
                }
            }
            StorageEvent::Disconnected(_) | StorageEvent::Connected | StorageEvent::Denied(_) => {}
        }
    }

    fn insert(&mut self, meta: RecordMeta) {
        let key = (meta.namespace.clone(), meta.name.clone());
        self.places.insert((meta.namespace.clone(), meta.record.clone()), (meta.name.clone(), meta.revision));
        self.records.entry(key).or_default().insert(meta.revision, meta);
    }

    fn refresh_all(&mut self) {
        self.records.retain(|_, records| !records.is_empty());
        let records = &self.records;
        self.rows.retain(|key, _| records.contains_key(key));
        let keys: Vec<Key> = self.records.keys().cloned().collect();
        for key in keys {
            self.refresh(&key);
        }
    }

    /// Makes the row of a release follow its newest record; what is known of an unchanged record stays.
    fn refresh(&mut self, key: &Key) {
        match self.records.get(key).and_then(|records| records.values().next_back()) {
            Some(newest) if self.rows.get(key).is_some_and(|row| row.is_of(newest)) => {}
            Some(newest) => {
                self.rows.insert(key.clone(), ReleaseRow::new(newest.clone()));
            }
            None => {
                self.records.remove(key);
                self.rows.remove(key);
            }
        }
    }

    /// The row of that very record, to fill it in.
    pub fn row_mut(&mut self, meta: &RecordMeta) -> Option<&mut ReleaseRow> {
        let row = self.rows.get_mut(&(meta.namespace.clone(), meta.name.clone()));
        row.filter(|row| row.is_of(meta))
    }

    /// The row of a release.
    pub fn row_of(&mut self, namespace: &str, name: &str) -> Option<&mut ReleaseRow> {
        self.rows.get_mut(&(namespace.to_owned(), name.to_owned()))
    }

    /// Rows of a namespace, of all when it is empty, by namespace and name.
    pub fn rows(&self, namespace: &str) -> impl Iterator<Item = &ReleaseRow> {
        self.rows.values().filter(move |row| namespace.is_empty() || row.meta.namespace == namespace)
    }

    /// Every row, to forget what was read lazily.
    pub fn rows_mut(&mut self) -> impl Iterator<Item = &mut ReleaseRow> {
        self.rows.values_mut()
    }

    /// How many releases each namespace has.
    pub fn counts(&self) -> BTreeMap<String, usize> {
        let mut counts = BTreeMap::new();
        for (namespace, _) in self.rows.keys() {
            *counts.entry(namespace.clone()).or_insert(0) += 1;
        }
        counts
    }

    /// How many releases there are.
    pub fn len(&self) -> usize {
        self.rows.len()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::tui::testing::record;

    #[track_caller]
    fn check(book: &Book, expected: &[&str]) {
        let rows = book.rows("").map(|row| format!("{}/{} {}", row.meta.namespace, row.meta.name, row.meta.revision));
        assert_eq!(rows.collect::<Vec<_>>(), expected);
    }

    #[test]
    fn the_newest_record_counts_and_an_older_one_comes_back() {
        let mut book = Book::default();
        book.hear("", StorageEvent::Restarted(vec![record("a", "web", 1, "deployed"), record("b", "db", 4, "failed")]));
        book.hear("", StorageEvent::Applied(record("a", "web", 2, "pending-upgrade")));
        check(&book, &["a/web 2", "b/db 4"]);
        book.hear("", StorageEvent::Gone { namespace: "a".into(), record: "sh.helm.release.v1.web.v2".into() });
        check(&book, &["a/web 1", "b/db 4"]);
        book.hear("", StorageEvent::Gone { namespace: "b".into(), record: "sh.helm.release.v1.db.v4".into() });
        check(&book, &["a/web 1"]);
    }

    #[test]
    fn a_restart_replaces_its_scope_only() {
        let mut book = Book::default();
        book.hear("a", StorageEvent::Restarted(vec![record("a", "web", 1, "deployed")]));
        book.hear("b", StorageEvent::Restarted(vec![record("b", "db", 1, "deployed")]));
        book.hear("b", StorageEvent::Restarted(Vec::new()));
        check(&book, &["a/web 1"]);
    }

    #[test]
    fn what_was_read_of_an_unchanged_record_stays() {
        let mut book = Book::default();
        let meta = record("a", "web", 1, "deployed");
        book.hear("", StorageEvent::Restarted(vec![meta.clone()]));
        if let Some(row) = book.row_mut(&meta) {
            row.condition = Some(Ok(((1, 1), 0)));
        }
        book.hear("", StorageEvent::Restarted(vec![meta.clone()]));
        assert!(book.rows("").all(|row| row.condition.is_some()));
        let changed = RecordMeta { resource_version: "99".into(), ..meta };
        book.hear("", StorageEvent::Applied(changed));
        assert!(book.rows("").all(|row| row.condition.is_none()));
    }
}
