//! Which templates can be called by name.

use super::Trees;
use super::ast::Tree;
use std::rc::Rc;

/// The name that Helm gives the template of a text for `tpl`, and the one without text that all others belong to.
pub(super) const MAIN: &str = "gotpl";

/// The templates of the charts' files, or those of one text given to `tpl` in front of the ones that called it.
pub(super) struct Scope {
    outer: Option<Rc<Scope>>,
    trees: Rc<Trees>,
}

impl Scope {
    pub(super) fn new(outer: Option<Rc<Self>>, trees: Rc<Trees>) -> Rc<Self> {
        Rc::new(Self { outer, trees })
    }

    /// The template of this name: the innermost that is not empty, since an empty one does not replace another.
    pub(super) fn find(&self, name: &str) -> Option<&Rc<Tree>> {
        let mut empty = None;
        let mut scope = Some(self);
        while let Some(here) = scope {
            match here.trees.get(name) {
                Some(tree) if !tree.is_empty || name == MAIN => return Some(tree),
                found => empty = empty.or(found),
            }
            scope = here.outer.as_deref();
        }
        empty
    }
}
