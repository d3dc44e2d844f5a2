//! The entries of a map.

use std::{
    collections::{BTreeMap, btree_map},
    rc::Rc,
    slice,
};

use super::value::Value;

/// How many entries a list takes. Most maps of charts have two or three, for which a B-tree would take four times the
/// memory; a long list would be slow to insert into.
const FEW: usize = 32;

/// Entries in the order of their keys.
#[derive(Clone)]
pub enum Table {
    /// No more than a list may have, sorted.
    Few(Vec<(Rc<str>, Value)>),
    /// Any number.
    Many(BTreeMap<Rc<str>, Value>),
}

impl Table {
    /// The entry of this key.
    pub fn get(&self, key: &str) -> Option<&Value> {
        self.get_key_value(key).map(|(_, value)| value)
    }

    /// The entry of this key, with the key itself.
    pub fn get_key_value(&self, key: &str) -> Option<(&Rc<str>, &Value)> {
        match self {
            // Few have the same length, so that hardly any are compared.
            Self::Few(list) => list.iter().find(|(known, _)| **known == *key).map(|(key, value)| (key, value)),
            Self::Many(tree) => tree.get_key_value(key),
        }
    }

    /// Whether there is an entry of this key.
    pub fn contains_key(&self, key: &str) -> bool {
        self.get_key_value(key).is_some()
    }

    /// Adds an entry, or puts its value in the place of that of this key.
    pub fn insert(&mut self, key: Rc<str>, value: Value) {
        match self {
            Self::Few(list) => match list.binary_search_by(|(known, _)| known.cmp(&key)) {
                Ok(place) => list[place].1 = value,
                Err(_) if list.len() == FEW => {
                    let tree = list.drain(..).chain([(key, value)]).collect();
                    *self = Self::Many(tree);
                }
                Err(place) => list.insert(place, (key, value)),
            },
            Self::Many(tree) => {
                tree.insert(key, value);
            }
        }
    }

    /// Takes the entry of this key away.
    pub fn remove(&mut self, key: &str) -> Option<Value> {
        match self {
            Self::Few(list) => {
                let place = list.iter().position(|(known, _)| **known == *key)?;
                Some(list.remove(place).1)
            }
            Self::Many(tree) => tree.remove(key),
        }
    }

    /// Keeps the entries that are wanted.
    pub fn retain(&mut self, mut is_wanted: impl FnMut(&str, &mut Value) -> bool) {
        match self {
            Self::Few(list) => list.retain_mut(|(key, value)| is_wanted(key, value)),
            Self::Many(tree) => tree.retain(|key, value| is_wanted(key, value)),
        }
    }

    /// The entries.
    pub fn iter(&self) -> Iter<'_> {
        match self {
            Self::Few(list) => Iter::Few(list.iter()),
            Self::Many(tree) => Iter::Many(tree.iter()),
        }
    }

    /// The keys.
    pub fn keys(&self) -> impl Iterator<Item = &Rc<str>> {
        self.iter().map(|(key, _)| key)
    }

    /// The values.
    pub fn values(&self) -> impl Iterator<Item = &Value> {
        self.iter().map(|(_, value)| value)
    }

    /// How many entries there are.
    pub fn len(&self) -> usize {
        match self {
            Self::Few(list) => list.len(),
            Self::Many(tree) => tree.len(),
        }
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }
}

impl Default for Table {
    fn default() -> Self {
        Self::Few(Vec::new())
    }
}

/// Of entries with the same key the last one counts.
impl FromIterator<(Rc<str>, Value)> for Table {
    fn from_iter<T: IntoIterator<Item = (Rc<str>, Value)>>(entries: T) -> Self {
        let list: Vec<_> = entries.into_iter().collect();
        if list.len() <= FEW && list.is_sorted_by(|(one, _), (next, _)| one < next) {
            return Self::Few(list);
        }
        let tree: BTreeMap<_, _> = list.into_iter().collect();
        if tree.len() <= FEW { Self::Few(tree.into_iter().collect()) } else { Self::Many(tree) }
    }
}

/// What [`Table::iter`] gives.
pub enum Iter<'t> {
    /// Of a list.
    Few(slice::Iter<'t, (Rc<str>, Value)>),
    /// Of a tree.
    Many(btree_map::Iter<'t, Rc<str>, Value>),
}

impl<'t> Iterator for Iter<'t> {
    type Item = (&'t Rc<str>, &'t Value);

    fn next(&mut self) -> Option<Self::Item> {
        match self {
            Self::Few(list) => list.next().map(|(key, value)| (key, value)),
            Self::Many(tree) => tree.next(),
        }
    }

    fn size_hint(&self) -> (usize, Option<usize>) {
        match self {
            Self::Few(list) => list.size_hint(),
            Self::Many(tree) => tree.size_hint(),
        }
    }
}

impl ExactSizeIterator for Iter<'_> {}

impl<'t> IntoIterator for &'t Table {
    type Item = (&'t Rc<str>, &'t Value);
    type IntoIter = Iter<'t>;

    fn into_iter(self) -> Iter<'t> {
        self.iter()
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use super::{FEW, Table};
    use crate::template::Value;

    fn shown(table: &Table) -> Vec<(String, i64)> {
        let number = |value: &Value| if let Value::Int(number) = value { *number } else { -1 };
        table.iter().map(|(key, value)| (key.to_string(), number(value))).collect()
    }

    /// What is done to a table and to a B-tree has the same outcome, below and above what a list takes.
    #[test]
    fn few_and_many_entries_behave_the_same() {
        let mut table = Table::default();
        let mut tree = BTreeMap::new();
        for step in 0..400_i64 {
            let key = format!("k{}", step * 7919 % (3 * FEW as i64));
            if step % 5 == 4 || step > 300 {
                assert_eq!(table.remove(&key).is_some(), tree.remove(&key).is_some(), "{key}");
            } else {
                table.insert(key.as_str().into(), Value::Int(step));
                tree.insert(key.clone(), step);
            }
            assert_eq!(shown(&table), tree.clone().into_iter().collect::<Vec<_>>());
            assert_eq!((table.len(), table.contains_key(&key)), (tree.len(), tree.contains_key(&key)));
            assert_eq!(table.get("k1").is_some(), tree.contains_key("k1"));
        }
        table.retain(|key, _| key.ends_with('1'));
        tree.retain(|key, _| key.ends_with('1'));
        assert_eq!(shown(&table), tree.into_iter().collect::<Vec<_>>());
    }

    #[test]
    fn of_the_same_key_the_last_counts() {
        for length in [2, FEW as i64, 3 * FEW as i64] {
            let entries = (0..2 * length).rev().map(|number| (format!("k{}", number % length), number));
            let table: Table = entries.clone().map(|(key, number)| (key.into(), Value::Int(number))).collect();
            let tree: BTreeMap<_, _> = entries.collect();
            assert_eq!(shown(&table), tree.into_iter().collect::<Vec<_>>());
        }
    }
}
