//! Where the values of a text stand.

use std::{
    collections::{BTreeMap, HashMap},
    rc::Rc,
};

use libyaml_safer::{Event, EventData, ScalarStyle};

use super::{Error, MAX_DEPTH, events::Events};

/// Where a value stands, and where the values inside it do.
#[derive(Debug, Clone, Default)]
pub struct Place {
    /// The 1-based line of its key, or of itself in a list.
    pub line: usize,
    inside: Rc<Inside>,
}

#[derive(Debug, Default)]
enum Inside {
    #[default]
    Nothing,
    Table(BTreeMap<String, Place>),
    List(Vec<Place>),
}

impl Place {
    /// The place of an entry of a table, or of an item of a list by its index.
    pub fn get(&self, key: &str) -> Option<&Self> {
        match &*self.inside {
            Inside::Nothing => None,
            Inside::Table(entries) => entries.get(key),
            Inside::List(items) => items.get(key.parse::<usize>().ok()?),
        }
    }

    /// The keys that lead to what stands on a line, and the line where that begins; the innermost where several begin
    /// there. `None` before the first of them.
    pub fn path_to(&self, line: usize) -> Option<(Vec<String>, usize)> {
        if line < self.line {
            return None;
        }
        let (mut path, mut at) = (Vec::new(), self);
        loop {
            // What an anchor or a merge brought in stands elsewhere.
            let reached = |place: &&Self| (at.line..=line).contains(&place.line);
            let next = match &*at.inside {
                Inside::Nothing => None,
                Inside::Table(entries) => {
                    let reached = entries.iter().filter(|(_, place)| reached(place));
                    reached.max_by_key(|(_, place)| place.line).map(|(key, place)| (key.clone(), place))
                }
                Inside::List(items) => {
                    let reached = items.iter().enumerate().filter(|(_, place)| reached(place));
                    reached.max_by_key(|(_, place)| place.line).map(|(index, place)| (index.to_string(), place))
                }
            };
            let Some((key, place)) = next else {
                return Some((path, at.line));
            };
            path.push(key);
            at = place;
        }
    }

    /// Whether it is a table, whose entries another table may add to.
    pub fn is_table(&self) -> bool {
        matches!(*self.inside, Inside::Table(_))
    }
}

/// The places in a text's first document.
///
/// # Errors
/// What is wrong with the text; not all that reading it would find.
pub(super) fn of(text: &str) -> Result<Place, Error> {
    let mut reader = Reader { events: Events::new(text), anchors: HashMap::new() };
    loop {
        let event = reader.events.next()?;
        match event.data {
            EventData::StreamEnd => return Ok(Place::default()),
            EventData::DocumentStart { .. } => {
                let event = reader.events.next()?;
                return reader.node(event, 0);
            }
            _ => {}
        }
    }
}

struct Reader<'a> {
    events: Events<'a>,
    anchors: HashMap<String, Place>,
}

impl Reader<'_> {
    fn node(&mut self, event: Event, depth: usize) -> Result<Place, Error> {
        let line = usize::try_from(event.start_mark.line).unwrap_or_default() + 1;
        if depth > MAX_DEPTH {
            return Err(super::events::failure(event.start_mark, "yaml: exceeded max depth"));
        }
        let (anchor, inside) = match event.data {
            EventData::Alias { anchor } => {
                let known = self.anchors.get(&anchor).cloned().unwrap_or_default();
                return Ok(Place { line, ..known });
            }
            EventData::MappingStart { anchor, .. } => (anchor, Inside::Table(self.entries(depth)?)),
            EventData::SequenceStart { anchor, .. } => (anchor, Inside::List(self.items(depth)?)),
            EventData::Scalar { anchor, .. } => (anchor, Inside::Nothing),
            _ => (None, Inside::Nothing),
        };
        let place = Place { line, inside: Rc::new(inside) };
        if let Some(anchor) = anchor {
            self.anchors.insert(anchor, place.clone());
        }
        Ok(place)
    }

    fn items(&mut self, depth: usize) -> Result<Vec<Place>, Error> {
        let mut items = Vec::new();
        loop {
            let event = self.events.next()?;
            if matches!(event.data, EventData::SequenceEnd) {
                return Ok(items);
            }
            items.push(self.node(event, depth + 1)?);
        }
    }

    /// What `<<` merges counts only where the mapping itself has no such key.
    fn entries(&mut self, depth: usize) -> Result<BTreeMap<String, Place>, Error> {
        let mut entries = BTreeMap::new();
        let mut merged = Vec::new();
        loop {
            let key = self.events.next()?;
            let key_line = usize::try_from(key.start_mark.line).unwrap_or_default() + 1;
            let name = match key.data {
                EventData::MappingEnd => break,
                EventData::Scalar { value, style, .. } => Some((value, style == ScalarStyle::Plain)),
                _ => {
                    self.node(key, depth + 1)?;
                    None
                }
            };
            let value = self.events.next()?;
            let place = self.node(value, depth + 1)?;
            match name {
                Some((name, true)) if name == "<<" => merged.push(place),
                Some((name, _)) => {
                    entries.insert(name, Place { line: key_line, ..place });
                }
                None => {}
            }
        }
        for place in &merged {
            let tables = match &*place.inside {
                Inside::List(items) => items.as_slice(),
                _ => std::slice::from_ref(place),
            };
            for table in tables {
                if let Inside::Table(more) = &*table.inside {
                    more.iter().for_each(|(name, place)| {
                        entries.entry(name.clone()).or_insert_with(|| place.clone());
                    });
                }
            }
        }
        Ok(entries)
    }
}
