//! `range`.

use super::{Evaluated, Flow, Reflected, State};
use crate::template::{
    ast::{Branch, Pipe},
    fmt,
    value::{ANY, Map, Value},
};

impl<'t> State<'t, '_, '_> {
    pub(super) fn range(&mut self, dot: &Reflected, branch: &'t Branch) -> Evaluated<Flow> {
        let mark = self.mark();
        self.begin_recording(self.code.pipe_position(branch.pipe), true);
        let value = self.pipeline(dot, branch.pipe)?;
        let flow = match branch.pipe.of(&self.code.pipes) {
            Some(pipe) if self.iterate(branch, pipe, &value)? => Flow::On,
            // Go ends only the `else` by a `break` in it, but goes on with the loop around at a `continue`.
            _ => match self.otherwise(dot, branch)? {
                Flow::Continue => Flow::Continue,
                Flow::On | Flow::Break => Flow::On,
            },
        };
        self.end_recording();
        self.pop(mark);
        Ok(flow)
    }

    /// Whether there was anything to iterate over.
    fn iterate(&mut self, branch: &'t Branch, pipe: &'t Pipe, value: &Value) -> Evaluated<bool> {
        match value {
            Value::Nil => Ok(false),
            Value::List(list) => {
                let is_interface = list.element == ANY;
                let elements = (0..).zip(list.items.iter().cloned());
                self.iterations(
                    branch,
                    pipe,
                    elements.map(|(index, value)| (Value::Int(index), Reflected { value, is_interface })),
                )
            }
            Value::Map(map) => self.entries(branch, pipe, map),
            Value::Int(count) => self.count(branch, pipe, value, *count, Value::Int),
            Value::Int64(count) => self.count(branch, pipe, value, *count, Value::Int64),
            Value::Int32(count) => self.count(branch, pipe, value, (*count).into(), |number| {
                Value::Int32(number.try_into().unwrap_or_default())
            }),
            Value::Uint8(count) => self.count(branch, pipe, value, (*count).into(), |number| {
                Value::Uint8(number.try_into().unwrap_or_default())
            }),
            Value::Uint64(count) => {
                let limit = i64::try_from(*count).unwrap_or(i64::MAX);
                self.count(branch, pipe, value, limit, |number| Value::Uint64(number.try_into().unwrap_or_default()))
            }
            Value::Object(object) if !matches!(object.kind(), "struct" | "ptr") => match object.underlying() {
                Value::Object(_) => self.cannot_iterate(value),
                plain => self.iterate(branch, pipe, &plain),
            },
            _ => self.cannot_iterate(value),
        }
    }

    fn cannot_iterate(&self, value: &Value) -> Evaluated<bool> {
        self.fail(format!("range can't iterate over {}", print(value)))
    }

    /// The entries as they are when the loop begins, sorted.
    fn entries(&mut self, branch: &'t Branch, pipe: &'t Pipe, map: &Map) -> Evaluated<bool> {
        let is_interface = !map.type_name.starts_with("map[") || map.type_name.ends_with(ANY);
        let entries = map.snapshot().into_iter();
        self.iterations(
            branch,
            pipe,
            entries
                .map(|(key, value)| (Value::String(super::super::Str::Text(key)), Reflected { value, is_interface })),
        )
    }

    fn count(
        &mut self,
        branch: &'t Branch,
        pipe: &'t Pipe,
        value: &Value,
        count: i64,
        number: impl Fn(i64) -> Value,
    ) -> Evaluated<bool> {
        if self.code.variables(pipe).len() > 1 {
            return self.fail(format!("can't use {} to iterate over more than one variable", print(value)));
        }
        self.iterations(branch, pipe, (0..count).map(|index| (Value::Nil, Reflected::plain(number(index)))))
    }

    fn iterations(
        &mut self,
        branch: &'t Branch,
        pipe: &'t Pipe,
        elements: impl Iterator<Item = (Value, Reflected)>,
    ) -> Evaluated<bool> {
        let mark = self.mark();
        let mut any = false;
        for (index, element) in elements {
            any = true;
            if self.context.env.is_cancelled() {
                return self.fail("the rendering was cancelled");
            }
            self.set_variables(pipe, mark, index, &element)?;
            let flow = self.inner_list(&element, branch.nodes)?;
            self.pop(mark);
            if flow == Flow::Break {
                break;
            }
        }
        Ok(any)
    }

    /// One variable takes the element; of two, the first takes the index.
    fn set_variables(&mut self, pipe: &'t Pipe, mark: usize, index: Value, element: &Reflected) -> Evaluated<()> {
        let index = Reflected::plain(index);
        match self.code.variables(pipe) {
            [] => {}
            [only] if pipe.is_assign => self.assign(only, element.clone())?,
            [first, second, ..] if pipe.is_assign => {
                self.assign(first, index)?;
                self.assign(second, element.clone())?;
            }
            declared => {
                self.set_top(mark, 1, element.clone());
                if declared.len() > 1 {
                    self.set_top(mark, 2, index);
                }
            }
        }
        Ok(())
    }

    fn set_top(&mut self, mark: usize, below: usize, value: Reflected) {
        if let Some(variable) = mark.checked_sub(below).and_then(|index| self.context.variables.get_mut(index)) {
            variable.value = value;
        }
    }
}

fn print(value: &Value) -> String {
    let mut text = Vec::new();
    fmt::print(&mut text, value);
    String::from_utf8_lossy(&text).into_owned()
}
