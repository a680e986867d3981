//! [`Learnt`]: what a proxy's answers say about its credentials; no waiting, no sockets.

/// How a request reaches the proxy, and so who may have answered it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Form {
    /// CONNECT: only the proxy can answer.
    Connect,
    /// Absolute form: an answer may be the target's, passed on.
    Plain,
}

/// What the proxy thinks of the credentials, as far as its answers to CONNECT tell.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) enum Standing {
    #[default]
    Unknown,
    Accepted,
    /// Accepted once, then one CONNECT got a 407: a forbidden target, or a changed password.
    Doubted,
    Rejected,
}

/// Everything known about a proxy's wish for credentials and its opinion of ours.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Learnt {
    pub(super) standing: Standing,
    /// Whether it has asked for Basic.
    challenged: bool,
    /// How many plain requests with the credentials got a 407, since the last that did not.
    plain_refusals: u8,
}

// === impl Learnt ===

impl Learnt {
    /// Whether the proxy wants credentials without asking again.
    pub(super) const fn is_wanted(self) -> bool {
        self.challenged || matches!(self.standing, Standing::Accepted | Standing::Doubted)
    }

    /// What is known after the proxy asked for Basic.
    pub(super) const fn challenged(mut self) -> Self {
        self.challenged = true;
        self
    }

    /// Whether the credentials must not be sent with requests of this form.
    pub(super) const fn withheld(self, form: Form) -> bool {
        match form {
            Form::Connect => matches!(self.standing, Standing::Rejected),
            Form::Plain => matches!(self.standing, Standing::Rejected) || self.parked(),
        }
    }

    /// Whether requests of this form may carry the credentials only one at a time.
    pub(super) const fn wants_trial(self, form: Form) -> bool {
        match self.standing {
            Standing::Unknown => !self.withheld(form),
            // A plain request cannot settle the doubt, so it does not stand in the way of one that can.
            Standing::Doubted => matches!(form, Form::Connect),
            Standing::Accepted | Standing::Rejected => false,
        }
    }

    /// Whether plain requests leave the credentials to CONNECT.
    ///
    /// Credentials that were accepted get a second chance, as a target may have sent the 407.
    const fn parked(self) -> bool {
        match self.standing {
            Standing::Accepted => self.plain_refusals >= 2,
            _ => self.plain_refusals >= 1,
        }
    }

    /// What is known after an answer to credentials that were sent when `basis` was known.
    pub(super) const fn after(mut self, form: Form, basis: Standing, status: u16) -> Self {
        match (form, status) {
            (Form::Connect, 200..=299) => self.accept(),
            (Form::Connect, 407) => self.refuse(basis),
            (Form::Plain, 407) => self.plain_refusals = self.plain_refusals.saturating_add(1),
            (Form::Plain, 200..=399) => match self.standing {
                Standing::Unknown => self.accept(),
                _ => self.plain_refusals = 0,
            },
            _ => {}
        }
        self
    }

    /// Never undoes a rejection: a late answer must not start a second try.
    const fn accept(&mut self) {
        if !matches!(self.standing, Standing::Rejected) {
            self.standing = Standing::Accepted;
            self.plain_refusals = 0;
        }
    }

    const fn refuse(&mut self, basis: Standing) {
        self.standing = match (self.standing, basis) {
            (Standing::Accepted, _) => Standing::Doubted,
            // It was under way already when the doubt arose, and says nothing new.
            (Standing::Doubted, Standing::Unknown | Standing::Accepted) => Standing::Doubted,
            _ => Standing::Rejected,
        };
    }
}
