#![doc = include_str!("../README.md")]

mod alert;
pub mod chain;
pub mod correlate;
mod evidence;
mod experiments;
mod explain;
pub mod hello;
mod http;
mod judge;
mod options;
mod path;
mod pinned;
mod prober;
mod report;
mod resolve;
mod serial;
mod tls;
mod tunnel;
mod verdict;
mod verdict_id;
mod verifier;
mod walk;
mod warnings;
mod wire;
mod words;

pub use alert::Alert;
pub use evidence::{
    CertificateEvidence, ConnectEvidence, ConnectFault, Der, Evidence, HttpAnswer, HttpEvidence,
    MAX_FIRST, NotHttp, ResolveEvidence, ResolveFault, TlsEvidence, TrustFault, TunnelEvidence,
};
pub use judge::judge;
pub use options::{Deadlines, Options, Trust};
pub use path::{Authorization, Hop, Path, TokenError};
pub use prober::{MAX_EXPERIMENTS, Prober, ProberError};
pub use report::{AddressReport, Experiment, ExperimentKind, Report, StepReport};
pub use resolve::{Resolve, Resolving, StaticResolver, SystemResolver};
pub use verdict::{Verdict, Warning};
pub use verdict_id::VerdictId;
pub use words::{Certainty, Ending, HelloSize, HopKind, Outcome, Party, Step, UnknownWord};
