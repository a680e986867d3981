//! Nothing but the examples.
