//! `crds/` (helm/helm `pkg/chart/v2/lint/rules/crds.go`).

use super::{Entry, Linter, templates::Object, when};

const FOLDER: &str = "crds/";

impl Linter<'_> {
    pub(super) fn crds(&mut self) {
        match self.subject.crds {
            Entry::Missing => return,
            Entry::Folder => {}
            Entry::File(_) => {
                self.error(FOLDER, Some("not a directory".to_owned()));
                return;
            }
        }
        let subject = self.subject;
        let chart = match &subject.chart {
            Ok(chart) => chart,
            Err(error) => {
                self.error(FOLDER, Some(error.to_string()));
                return;
            }
        };
        for (_, file) in chart.crds() {
            let name = &file.name;
            for object in Object::all(&String::from_utf8_lossy(&file.data)) {
                let object = match object {
                    Ok(object) => object,
                    Err(why) => {
                        self.error(name, Some(format!("unable to parse YAML: {why}")));
                        return;
                    }
                };
                let Some(object) = object else { continue };
                let is_other = !object.api_version.starts_with("apiextensions.k8s.io");
                self.error(name, when(is_other, || "apiVersion is not in 'apiextensions.k8s.io'".to_owned()));
                let is_other = object.kind != "CustomResourceDefinition";
                self.error(name, when(is_other, || "object kind is not 'CustomResourceDefinition'".to_owned()));
            }
        }
    }
}
