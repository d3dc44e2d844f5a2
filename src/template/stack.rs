//! Recursion that the stack does not limit: it goes on elsewhere where little is left.

/// What must be left. Functions that walk a value, which may be a thousand levels deep, rely on it.
const LEFT: usize = 2 * 1024 * 1024;
/// What must be left to drop a value, which may be done on any thread.
const LEFT_TO_DROP: usize = 64 * 1024;
/// How large the stack of another thread should be, as that of the first one usually is.
pub(super) const SIZE: usize = 8 * 1024 * 1024;
/// How large a new piece is; memory is taken only as far as it is used.
const PIECE: usize = 16 * 1024 * 1024;

/// Calls a function that may call itself, with enough of the stack left.
pub(super) fn ensure<R>(call: impl FnOnce() -> R) -> R {
    stacker::maybe_grow(LEFT, PIECE, call)
}

/// As [`ensure`], for what is called often and from outside, where [`ensure`] would take a new piece each time.
pub(super) fn ensure_to_drop<R>(call: impl FnOnce() -> R) -> R {
    stacker::maybe_grow(LEFT_TO_DROP, PIECE, call)
}
