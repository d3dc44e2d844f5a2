//! The objects, their versions, and the log of changes that watches read.

use std::{
    collections::{BTreeMap, HashMap, VecDeque},
    sync::Arc,
};

use serde_json::Value;

use super::{
    kinds::{Kind, Kinds},
    write::stamp,
};

/// Changes kept for watches; a watch that starts before the oldest is told 410.
const LOG_LENGTH: usize = 4096;

/// What happened to an object.
#[derive(Debug, Clone)]
pub(super) struct Change {
    /// Version of the store after it.
    pub revision: u64,
    /// Resource of the object, as [`Kind::resource`] names it.
    pub resource: String,
    /// State before; `None` for a new object.
    pub before: Option<Arc<Value>>,
    /// State after; `None` for a deleted object.
    pub after: Option<Arc<Value>>,
}

type ObjectName = (String, String);

/// All state of the sandbox.
#[derive(Debug, Clone)]
pub(super) struct Store {
    /// The kinds served.
    pub kinds: Kinds,
    /// The time that writes carry; `None` for the real one. Examples are written in their past.
    pub clock: Option<jiff::Timestamp>,
    objects: HashMap<String, BTreeMap<ObjectName, Arc<Value>>>,
    log: VecDeque<Change>,
    revision: u64,
    compacted: u64,
    allocated: u32,
}

impl Store {
    /// An empty store. Versions start well above zero, as on a server with a past.
    pub fn new() -> Self {
        let start = 1000;
        Self {
            kinds: Kinds::built_in(),
            clock: None,
            objects: HashMap::new(),
            log: VecDeque::new(),
            revision: start,
            compacted: start,
            allocated: 0,
        }
    }

    /// The time as the server writes it.
    pub fn now(&self) -> String {
        stamp(self.clock.unwrap_or_else(jiff::Timestamp::now))
    }

    /// The newest version.
    pub fn revision(&self) -> u64 {
        self.revision
    }

    /// Versions below this one cannot be watched from any more.
    pub fn compacted(&self) -> u64 {
        self.compacted
    }

    /// Forgets the log, so that every older version is too old.
    pub fn compact(&mut self) {
        self.log.clear();
        self.compacted = self.revision;
    }

    /// Changes after a version, oldest first.
    pub fn changes_after(&self, revision: u64) -> impl Iterator<Item = &Change> {
        let start = self.log.partition_point(|change| change.revision <= revision);
        self.log.range(start..)
    }

    /// One object.
    pub fn get(&self, kind: &Kind, namespace: &str, name: &str) -> Option<Arc<Value>> {
        self.objects.get(&kind.resource())?.get(&(namespace.to_owned(), name.to_owned())).cloned()
    }

    /// One object of a kind by its plural resource name, such as `deployments.apps`.
    pub fn find(&self, resource: &str, namespace: &str, name: &str) -> Option<Arc<Value>> {
        self.objects.get(resource)?.get(&(namespace.to_owned(), name.to_owned())).cloned()
    }

    /// Objects of a resource in a namespace, or in all when it is empty, by namespace and name.
    pub fn list(&self, resource: &str, namespace: &str) -> Vec<Arc<Value>> {
        self.starting_with(resource, namespace, "").cloned().collect()
    }

    /// Objects of a namespace whose names start so; all there are when it is empty.
    pub fn starting_with(&self, resource: &str, namespace: &str, start: &str) -> impl Iterator<Item = &Arc<Value>> {
        let first = (namespace.to_owned(), start.to_owned());
        let within = move |home: &str, name: &str, (namespace, start): &ObjectName| {
            namespace.is_empty() || (home == namespace && name.starts_with(start))
        };
        let objects = self.objects.get(resource).map(|objects| objects.range(first.clone()..));
        let found = objects.into_iter().flatten();
        found.take_while(move |((home, name), _)| within(home, name, &first)).map(|(_, object)| object)
    }

    /// Every object with its resource.
    pub fn all(&self) -> impl Iterator<Item = (&String, &Arc<Value>)> {
        self.objects.iter().flat_map(|(resource, objects)| objects.values().map(move |object| (resource, object)))
    }

    /// Stores an object under a new version.
    pub fn put(&mut self, kind: &Kind, mut object: Value) -> Arc<Value> {
        self.revision += 1;
        object["metadata"]["resourceVersion"] = self.revision.to_string().into();
        let object = Arc::new(object);
        let before = self.objects.entry(kind.resource()).or_default().insert(object_name(&object), object.clone());
        self.record(kind, before, Some(object.clone()));
        object
    }

    /// Removes an object; its last state carries the version of the removal.
    pub fn remove(&mut self, kind: &Kind, namespace: &str, name: &str) -> Option<Arc<Value>> {
        let before = self.objects.get_mut(&kind.resource())?.remove(&(namespace.to_owned(), name.to_owned()))?;
        self.revision += 1;
        self.record(kind, Some(before.clone()), None);
        Some(before)
    }

    fn record(&mut self, kind: &Kind, before: Option<Arc<Value>>, after: Option<Arc<Value>>) {
        self.follow_definition(before.as_deref(), after.as_deref());
        self.log.push_back(Change { revision: self.revision, resource: kind.resource(), before, after });
        if self.log.len() > LOG_LENGTH {
            self.compacted = self.log.pop_front().map_or(self.compacted, |change| change.revision);
        }
    }

    /// Keeps the served kinds in step with CustomResourceDefinitions.
    fn follow_definition(&mut self, before: Option<&Value>, after: Option<&Value>) {
        let is_definition = |object: &&Value| object["kind"] == "CustomResourceDefinition";
        match (before.filter(is_definition), after.filter(is_definition)) {
            (_, Some(definition)) => {
                if let Some(kind) = Kind::from_definition(definition) {
                    self.kinds.define(kind);
                }
            }
            (Some(gone), None) => {
                if let Some(kind) = Kind::from_definition(gone) {
                    self.kinds.forget(&kind.group, &kind.plural);
                }
            }
            (None, None) => {}
        }
    }

    /// A number not handed out before: cluster addresses, node ports and name suffixes are made of it.
    pub fn allocate(&mut self) -> u32 {
        self.allocated += 1;
        self.allocated
    }
}

fn object_name(object: &Value) -> ObjectName {
    let text = |key: &str| object["metadata"][key].as_str().unwrap_or_default().to_owned();
    (text("namespace"), text("name"))
}
