//! `values.yaml` (helm/helm `pkg/chart/v2/lint/rules/values.go`).

use super::{Entry, Linter, when};
use crate::{
    template::Env,
    values::{self, Nulls, schema},
};

const FILE: &str = "values.yaml";

impl Linter<'_> {
    pub(super) fn values(&mut self, env: &dyn Env) {
        let is_there = self.subject.values != Entry::Missing;
        if self.info(FILE, when(!is_there, || "file does not exist".to_owned())) {
            let problem = self.values_problem(env).err();
            self.error(FILE, problem);
        }
    }

    /// The values of the chart itself against its own schema.
    fn values_problem(&mut self, env: &dyn Env) -> Result<(), String> {
        let parse = |why: String| format!("unable to parse YAML: {why}");
        let data = match &self.subject.values {
            Entry::File(data) => data.clone().map_err(parse)?,
            _ => return Err(parse(format!("read {}/{FILE}: is a directory", self.subject.path))),
        };
        let own = values::table(&String::from_utf8_lossy(&data)).map_err(parse)?;
        let Entry::File(Ok(schema)) = &self.subject.schema else {
            return Ok(());
        };
        if self.rules.skip_schema_validation || schema.is_empty() {
            return Ok(());
        }
        let given = values::from_json(self.rules.values);
        values::coalesce_tables(&given, &values::from_json(&own), Nulls::Remove, &mut Vec::new());
        let values = values::to_json(&given).into();
        schema::check_alone(schema, &values, &|url| env.schema(url), &mut self.log)
    }
}
