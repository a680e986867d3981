//! `explain`: what a verdict means, what would disprove it, and what to ask for.

use clap::Args;
use narrows_endpoint::Target;
use narrows_tls_probe::{Path, VerdictId};

use crate::exit::Exit;
use crate::fault::Fault;
use crate::near;
use crate::output::Output;
use crate::selection::read_target;
use crate::table::Table;

/// Which verdict.
#[derive(Clone, Debug, Args)]
pub struct ExplainArgs {
    /// The verdict's id, as tls.reset_after_client_hello; all of them are listed when absent
    #[arg(value_name = "VERDICT")]
    pub verdict: Option<String>,

    /// Word the request for this target
    #[arg(long, value_name = "HOST[:PORT]", value_parser = read_target, default_value = "endpoint.example")]
    pub target: Target,
}

/// Explains a verdict.
///
/// # Errors
///
/// An id that is none, with the nearest ones.
pub fn run(args: &ExplainArgs) -> Result<Exit, Fault> {
    let text = match &args.verdict {
        None => list(),
        Some(id) => explain(find(id)?, &args.target),
    };
    Output::Stdout.write(&text)?;
    Ok(Exit::Clean)
}

fn find(id: &str) -> Result<VerdictId, Fault> {
    id.to_ascii_lowercase().parse().map_err(|_| {
        let known = VerdictId::all().map(VerdictId::as_str);
        let near = near::nearest(id, known);
        let hint = match &*near {
            [] => "narrows-probe explain lists them".to_owned(),
            near => format!("did you mean {}?", near.join(" or ")),
        };
        Fault::usage(format_args!("there is no verdict {id:?}")).hint(hint)
    })
}

fn list() -> String {
    let mut table = Table::new(["VERDICT", "WHAT IT IS"]);
    for id in VerdictId::all() {
        table.row([id.to_string(), id.summary().to_owned()]);
    }
    table.to_string()
}

fn explain(id: VerdictId, target: &Target) -> String {
    let error = id
        .proxy_error()
        .map(|error| format!("RFC 9209:       {}\n", error.as_str()));
    format!(
        "{id}: {}\n\nwhat it means:  {}\nwho likely:     {}\nwhat disproves: {}\nwhat to ask:    {}\n{}",
        id.summary(),
        id.meaning(),
        id.party(),
        id.disproof(),
        id.ask(target, &Path::direct()),
        error.unwrap_or_default(),
    )
}
