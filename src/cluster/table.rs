//! Objects as the table rows the server makes of them, as `kubectl get` shows them.

use serde::Deserialize;
use serde_json::Value;

use super::{
    Cluster, Error, ErrorKind,
    read::Target,
    request::{collection_path, object_path, with_query},
};

/// What asks a server for a table, and takes an object where it makes none.
const ACCEPT: &str = "application/json;as=Table;v=v1;g=meta.k8s.io,application/json";

/// A table of one kind.
#[derive(Debug, Clone, Default, PartialEq, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub struct Table {
    /// Columns in order.
    pub column_definitions: Vec<Column>,
    /// Rows in order.
    pub rows: Vec<Row>,
}

/// A column.
#[derive(Debug, Clone, Default, PartialEq, Deserialize)]
#[serde(default)]
pub struct Column {
    /// Heading.
    pub name: String,
    /// 0 for columns always shown, more for wide output.
    pub priority: i32,
}

/// A row.
#[derive(Debug, Clone, Default, PartialEq, Deserialize)]
#[serde(default)]
pub struct Row {
    /// Cells, one a column.
    pub cells: Vec<Value>,
}

impl Cluster {
    /// One live object as a table, `None` when it does not exist.
    pub async fn table(&self, target: &Target) -> Result<Option<Table>, Error> {
        let resource = self.resource(&target.api_version, &target.key.kind).await?;
        let path = object_path(&resource, &target.key.namespace, &target.key.name);
        match self.get_table(&path).await {
            Ok(table) => Ok(Some(table)),
            Err(error) if error.kind == ErrorKind::NotFound => Ok(None),
            Err(error) => Err(error),
        }
    }

    /// Pods of a namespace with a label selector, as one table.
    pub async fn pod_table(&self, namespace: &str, labels: &str) -> Result<Table, Error> {
        let resource = self.resource("v1", "Pod").await?;
        let path = collection_path(&resource, namespace);
        self.get_table(&with_query(&path, &[("labelSelector", labels)])).await
    }

    /// The same pods as the list a server sends, each with its kind, as clients decode it.
    pub async fn pod_list(&self, namespace: &str, labels: &str) -> Result<Value, Error> {
        let resource = self.resource("v1", "Pod").await?;
        let path = collection_path(&resource, namespace);
        let mut list: Value = self.get_json(&with_query(&path, &[("labelSelector", labels)])).await?;
        for pod in list["items"].as_array_mut().into_iter().flatten() {
            pod["apiVersion"] = "v1".into();
            pod["kind"] = "Pod".into();
        }
        Ok(list)
    }

    async fn get_table(&self, path: &str) -> Result<Table, Error> {
        let path = with_query(path, &[("includeObject", "None")]);
        let answer: Value = self.get_json_as(&path, ACCEPT).await?;
        if answer["kind"] == "Table" {
            return serde_json::from_value(answer).map_err(|error| Error::new(ErrorKind::Other, error.to_string()));
        }
        Ok(by_name(&answer))
    }
}

/// What can be said of objects from a server that makes no tables: their names and when they were made.
fn by_name(answer: &Value) -> Table {
    let row = |object: &Value| {
        let metadata = &object["metadata"];
        Row { cells: vec![metadata["name"].clone(), metadata["creationTimestamp"].clone()] }
    };
    let rows = match answer["items"].as_array() {
        Some(items) => items.iter().map(row).collect(),
        None => vec![row(answer)],
    };
    let column = |name: &str| Column { name: name.to_owned(), priority: 0 };
    Table { column_definitions: vec![column("Name"), column("Created At")], rows }
}
