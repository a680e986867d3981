#![doc = include_str!("../README.md")]

mod address;
mod catalogue;
mod host;
mod path;
mod pattern;
mod rules;
mod target;

pub use address::AddressClass;
pub use catalogue::{
    BypassKeyword, Carried, Catalogue, CatalogueError, CatalogueProblem, Cloud, Date, DateError,
    Endpoint, ExpandError, Expansion, NeverGateway, ParameterError, Parameters, Region, Template,
    Transport, UnknownKeyword, UnknownRegion,
};
pub use host::{Host, HostError, MAX_LABEL, MAX_NAME, Name};
pub use path::{Hop, Route, Step, UnknownWord};
pub use pattern::{Pattern, PatternError, PatternProblem};
pub use rules::{Decision, Level, Routes, RuleError, RuleSet, RuleSetBuilder, Source};
pub use target::{Target, TargetError};
