//! Two nodes come under an agreement: template, both signatures, manifests, activation, risk assessment. All of it
//! through their APIs, as people would.

use hyper::Method;
use mithaq_envelope::{RootSigner as _, SoftRoot, sign_agreement};
use mithaq_model::{AgreementId, Days, RiskDimension, Timestamp};
use mithaq_node::config::Config;
use mithaq_node::setup::{self, ROOT_FILE};
use mithaq_policy::agreement::{TemplateParty, template};
use serde_json::json;

use super::{Fleet, Node, now};
use crate::ui::{Exit, Failure};

impl Fleet {
    /// Brings two running nodes under the template agreement, changed by `edit`.
    pub(crate) async fn agree(
        &mut self,
        (one, other): (usize, usize),
        edit: impl Fn(String) -> String,
    ) -> Result<AgreementId, Failure> {
        let (a, b) = (self.node(one)?, self.node(other)?);
        let (root_a, root_b) = (root_of(a)?, root_of(b)?);
        let party = |node: &Node, root: &SoftRoot| TemplateParty {
            id: node.party.clone(),
            state: node.state.to_owned(),
            root: root.root_keys().fingerprint(),
        };
        let today = Timestamp::from_millis(now().as_millis().div_euclid(86_400_000) * 86_400_000);
        let text = edit(template(&[party(a, &root_a), party(b, &root_b)], today));
        let id = mithaq_policy::agreement_id(text.as_bytes());
        let sign = |node: &Node, root: &SoftRoot| {
            sign_agreement((id, &node.party), "Head of service", now(), root)
                .map_err(|error| Failure::new(Exit::Failed, "fleet.sign", error.to_string()))
        };
        let signatures = [sign(a, &root_a)?, sign(b, &root_b)?];
        for (mine, theirs) in [(one, other), (other, one)] {
            self.adopt((mine, theirs), id, &text, &signatures).await?;
        }
        self.agreements.insert((one.min(other), one.max(other)), id);
        Ok(id)
    }

    /// What the people of one side do.
    async fn adopt(
        &self,
        (mine, theirs): (usize, usize),
        id: AgreementId,
        text: &str,
        signatures: &[Vec<u8>],
    ) -> Result<(), Failure> {
        let (authority, legal) = (self.api(mine, "authority")?, self.api(mine, "legal")?);
        let partner = &self.node(theirs)?.party;
        let cbor = "application/cbor";
        authority.post("/api/v1/agreements", &json!({ "text": text })).await?;
        for signature in signatures {
            let path = "/api/v1/agreements/signatures";
            authority.bytes(Method::POST, path, cbor, signature.clone()).await?;
        }
        let manifest = self
            .api(theirs, "authority")?
            .bytes(Method::GET, "/api/v1/manifest", "application/json", Vec::new())
            .await?;
        let path = format!("/api/v1/partners/{partner}/manifest");
        authority.bytes(Method::POST, &path, cbor, manifest).await?;
        authority.post(&format!("/api/v1/agreements/{id}/steps"), &json!({ "step": "activate" })).await?;
        let levels: Vec<_> = RiskDimension::ALL.iter().map(|one| json!([one.code(), "low"])).collect();
        let valid_to = now().plus(Days(180)).to_string();
        let assessment = json!({ "levels": levels, "source": "example-assessment", "valid_to": valid_to });
        legal.post(&format!("/api/v1/partners/{partner}/assessments"), &assessment).await?;
        Ok(())
    }
}

fn root_of(node: &Node) -> Result<SoftRoot, Failure> {
    let config = Config::load(&node.directory).map_err(anyhow::Error::from)?;
    let unlock = setup::unlock(&node.directory, &config)?;
    Ok(setup::open_root(&node.directory.join(ROOT_FILE), &unlock)?)
}
