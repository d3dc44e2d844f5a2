//! Chart, values and capabilities become ordered objects, hooks and notes; `lint`; where a line came from.
