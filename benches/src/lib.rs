//! What several benches share: rules, tables, and what the machine has.

pub mod machine;
pub mod rules;
pub mod table;
