//! Whether an act went as the story says.

use crate::enterprise;
use crate::names::{BOOTSTRAP, CARRIED};
use crate::outside::Outside;
use crate::story::{Act, Expected};

/// Says in one line whether everything was as the story says.
pub(crate) fn verdict(
    act: &Act,
    outcomes: &[(&str, Result<(), String>)],
    access: &[String],
    tunnels: &[String],
    outside: &Outside,
) -> Result<String, String> {
    let (bootstrap, carried) = outcomes.split_at(BOOTSTRAP.len());
    if let Some((name, Err(error))) = bootstrap.iter().find(|(_, outcome)| outcome.is_err()) {
        return Err(format!("{name} is a bootstrap name: {error}"));
    }
    if act.gateway.is_some() {
        only_the_gateway(access, outside)?;
    }
    let said = |words: &str| tunnels.iter().filter(|line| line.contains(words)).count();
    match act.expected {
        Expected::Fail { agent, log } => {
            for (name, outcome) in carried {
                match outcome {
                    Err(error) if error.contains(agent) => {}
                    Err(error) => return Err(format!("{name} fails in another way: {error}")),
                    Ok(()) => return Err(format!("{name} is reached")),
                }
            }
            expect(said(log) == CARRIED.len(), &format!("the log says {log}"))?;
            Ok(format!("{} names fail, \"{agent}\"", carried.len()))
        }
        Expected::Reach(route) => {
            if let Some((name, Err(error))) = carried.iter().find(|(_, it)| it.is_err()) {
                return Err(format!("{name}: {error}"));
            }
            let via = said(&format!("done via {route} "));
            expect(via == CARRIED.len(), &format!("{via} names via {route}"))?;
            let by_proxy = said("done via proxy ");
            expect(by_proxy == BOOTSTRAP.len(), "bootstrap names via proxy")?;
            Ok(format!(
                "{via} names via {route}, {by_proxy} via proxy; the enterprise proxy saw one name more"
            ))
        }
    }
}

/// With a gateway the enterprise proxy hears of no other names than the gateway's and the bootstrap ones.
fn only_the_gateway(access: &[String], outside: &Outside) -> Result<(), String> {
    let gateway = outside.gateway.host().to_string();
    let known = |name: &str| name == gateway || BOOTSTRAP.contains(&name);
    let names: Vec<_> = access
        .iter()
        .filter_map(|line| enterprise::name(line))
        .collect();
    expect(
        names.len() == access.len(),
        "a name in each line of the access log",
    )?;
    expect(
        names.contains(&gateway.as_str()),
        "the gateway in the access log",
    )?;
    match names.iter().find(|name| !known(name)) {
        Some(name) => Err(format!("the enterprise proxy saw {name}")),
        None => Ok(()),
    }
}

fn expect(so: bool, what: &str) -> Result<(), String> {
    so.then_some(()).ok_or_else(|| format!("not so: {what}"))
}
