//! The closed vocabularies of the field. Codes are stable and are what is signed and sent; labels are
//! translated elsewhere. Sources: Directive (EU) 2023/977, Directive (EU) 2016/680 (LED), Regulation (EU)
//! 2016/794, and the project's own design where no law gives a list.

use crate::code::codes;

codes! {
    /// Why a clock is short: the urgency grounds of Directive (EU) 2023/977, Art. 4, and the two ordinary ones.
    Urgency as "urgency" {
        /// Many-sided work that may take two weeks.
        Complex = "complex",
        /// Whether somebody stays in detention depends on it.
        DetentionDecision = "detention_decision",
        /// What is asked would lose its value.
        LossOfRelevance = "loss_of_relevance",
        /// An immediate and serious threat to public security.
        PublicSecurityImminent = "public_security_imminent",
        /// No urgency.
        Routine = "routine",
        /// A threat to the life or physical integrity of a person.
        ThreatToLife = "threat_to_life",
    }
}

impl Urgency {
    /// Returns whether it is one of the four grounds of Directive (EU) 2023/977, Art. 4(5): then it needs its reason.
    #[must_use]
    pub const fn is_urgent(self) -> bool {
        match self {
            Self::DetentionDecision
            | Self::LossOfRelevance
            | Self::PublicSecurityImminent
            | Self::ThreatToLife => true,
            Self::Complex | Self::Routine => false,
        }
    }
}

impl RefusalGround {
    /// Returns whether it is a ground of rights (R13 to R18): the legal adviser states it, and never has to explain.
    #[must_use]
    pub const fn is_of_rights(self) -> bool {
        matches!(
            self,
            Self::TortureOrCidtRisk
                | Self::DeathPenaltyRisk
                | Self::UnfairTrialRisk
                | Self::PoliticalOrOpinionOffence
                | Self::ProtectedRole
                | Self::RefoulementOrAsylum
        )
    }
}

codes! {
    /// What data may be used for. There is no "general intelligence": a use that cannot be named is no purpose.
    Purpose as "purpose" {
        /// Find out that an offence was committed.
        Detect = "detect",
        /// Carry out a sentence.
        ExecuteSentence = "execute_sentence",
        /// Give a victim back a name.
        IdentifyVictim = "identify_victim",
        /// Investigate an offence.
        Investigate = "investigate",
        /// Find a missing person.
        LocateMissing = "locate_missing",
        /// Prevent an offence that can be named.
        PreventSpecificOffence = "prevent_specific_offence",
        /// Bring an offence before a court.
        Prosecute = "prosecute",
        /// Strategic work without personal data.
        StrategicNonpersonal = "strategic_nonpersonal",
        /// Save a life.
        ThreatToLife = "threat_to_life",
    }
}

codes! {
    /// In what capacity a person appears (LED, Art. 6). Nobody is a subject without one.
    SubjectClass as "subject class" {
        /// A contact or associate; says nothing about guilt.
        ContactOrAssociate = "contact_or_associate",
        /// Convicted of an offence.
        Convicted = "convicted",
        /// An informant. Sealed: never leaves the node.
        Informant = "informant",
        /// A missing person.
        Missing = "missing",
        /// Perhaps a victim.
        PossibleVictim = "possible_victim",
        /// Serious grounds to believe that this person is about to commit an offence.
        SuspectAboutTo = "suspect_about_to",
        /// Serious grounds to believe that this person has committed an offence.
        SuspectCommitted = "suspect_committed",
        /// Not categorised yet: erased after six months.
        UnknownUncategorised = "unknown_uncategorised",
        /// A victim.
        Victim = "victim",
        /// Wanted under a legal title.
        Wanted = "wanted",
        /// A witness.
        Witness = "witness",
    }
}

codes! {
    /// What there is no field for, and what text is screened for (LED, Art. 10). A ban list, not a data field.
    SpecialCategory as "special category" {
        /// Biometric data used to identify.
        BiometricId = "biometric_id",
        /// Genetic data.
        Genetic = "genetic",
        /// Health.
        Health = "health",
        /// Political opinion.
        PoliticalOpinion = "political_opinion",
        /// Racial or ethnic origin.
        RaceEthnic = "race_ethnic",
        /// Religion or belief.
        ReligionBelief = "religion_belief",
        /// Sex life or orientation.
        SexLifeOrientation = "sex_life_orientation",
        /// Membership of a union.
        Union = "union",
    }
}

codes! {
    /// Roles that protect the person: a disclosure stops until the legal adviser and a senior have cleared it.
    ProtectedRole as "protected role" {
        /// Seeks asylum or is a refugee.
        AsylumSeekerRefugee = "asylum_seeker_refugee",
        /// Under eighteen.
        Child = "child",
        /// Bound to confidence as a cleric.
        ClericConfidential = "cleric_confidential",
        /// A physician.
        Doctor = "doctor",
        /// A human-rights defender.
        HumanRightsDefender = "human_rights_defender",
        /// A humanitarian worker.
        HumanitarianWorker = "humanitarian_worker",
        /// A journalist or a journalist's source.
        JournalistOrSource = "journalist_or_source",
        /// A judge or prosecutor.
        JudgeProsecutor = "judge_prosecutor",
        /// A lawyer.
        Lawyer = "lawyer",
        /// A member of an oversight body or national human-rights institution.
        OversightOrNhriMember = "oversight_or_nhri_member",
        /// A member of parliament or of the opposition.
        ParliamentarianOrOpposition = "parliamentarian_or_opposition",
        /// A trade unionist.
        TradeUnionist = "trade_unionist",
        /// A whistle-blower.
        WhistleBlower = "whistle_blower",
    }
}

codes! {
    /// Areas of crime an agreement may cover (superset of the 18 areas of the Spain–Morocco convention of 2019).
    CrimeArea as "crime area" {
        /// Child sexual exploitation.
        ChildSexualExploitation = "child_sexual_exploitation",
        /// Corruption.
        Corruption = "corruption",
        /// Counterfeiting and economic crime.
        CounterfeitingEconomic = "counterfeiting_economic",
        /// Trafficking in cultural goods.
        CulturalGoods = "cultural_goods",
        /// Cybercrime.
        Cybercrime = "cybercrime",
        /// Forged documents.
        DocumentFraud = "document_fraud",
        /// Drugs and precursors.
        DrugsPrecursors = "drugs_precursors",
        /// Crimes against the environment.
        Environment = "environment",
        /// Foreign terrorist fighters (UNSC resolution 2178).
        ForeignTerroristFighters = "foreign_terrorist_fighters",
        /// Kidnapping and extortion.
        KidnappingExtortion = "kidnapping_extortion",
        /// Money laundering.
        Laundering = "laundering",
        /// Smuggling of migrants: the networks, never the migrants.
        MigrantSmuggling = "migrant_smuggling",
        /// Organised crime (UNTOC).
        OrganisedCrime = "organised_crime",
        /// Another area, by written consent of both sides.
        OtherByConsent = "other_by_consent",
        /// Property and vehicle crime.
        PropertyVehicle = "property_vehicle",
        /// Terrorism; needs a concrete offence and statute, the label alone is not accepted.
        Terrorism = "terrorism",
        /// Financing of terrorism.
        TerroristFinancing = "terrorist_financing",
        /// Trafficking in persons.
        TraffickingInPersons = "trafficking_in_persons",
        /// War crimes and crimes against humanity.
        WarCrimesCah = "war_crimes_cah",
        /// Weapons, explosives, CBRN.
        WeaponsExplosivesCbrn = "weapons_explosives_cbrn",
    }
}

codes! {
    /// What is never a predicate of cooperation, whatever the law of one side says.
    ExcludedPredicate as "excluded predicate" {
        /// Leaving a religion.
        Apostasy = "apostasy",
        /// Nothing but membership of an association.
        AssociationMembershipOnly = "association_membership_only",
        /// Blasphemy.
        Blasphemy = "blasphemy",
        /// Consensual sexual conduct of adults.
        ConsensualSexualConduct = "consensual_sexual_conduct",
        /// Defamation.
        Defamation = "defamation",
        /// Desertion or refusing the draft.
        DesertionOrDraft = "desertion_or_draft",
        /// Insulting an official or a religion.
        InsultOfOfficialOrReligion = "insult_of_official_or_religion",
        /// The word "terrorism" without an offence and a statute.
        LabelOnlyTerrorism = "label_only_terrorism",
        /// Opinion or press.
        OpinionOrPress = "opinion_or_press",
        /// Peaceful assembly.
        PeacefulAssembly = "peaceful_assembly",
        /// A private tax dispute.
        TaxDisputePrivate = "tax_dispute_private",
    }
}

codes! {
    /// What a transfer may expose a person, or the data, to.
    RiskDimension as "risk dimension" {
        /// Use in an armed conflict.
        ArmedConflictUse = "armed_conflict_use",
        /// Weak protection of data.
        DataProtection = "data_protection",
        /// Capital punishment.
        DeathPenalty = "death_penalty",
        /// Discrimination.
        Discrimination = "discrimination",
        /// Enforced disappearance or secret detention.
        EnforcedDisappearance = "enforced_disappearance",
        /// Passing on against the originator's will.
        OnwardLeak = "onward_leak",
        /// Misuse against opponents.
        PoliticalMisuse = "political_misuse",
        /// Return to persecution.
        Refoulement = "refoulement",
        /// Torture or cruel, inhuman or degrading treatment.
        TortureCidt = "torture_cidt",
        /// An unfair trial.
        UnfairTrial = "unfair_trial",
    }
}

codes! {
    /// How large a risk is. From [`RiskLevel::Real`] on, a risk of torture, disappearance or death refuses.
    RiskLevel as "risk level" {
        /// None known.
        None = "none",
        /// Low.
        Low = "low",
        /// Real: the threshold of international law (Art. 3 CAT, Art. 3 ECHR).
        Real = "real",
        /// High.
        High = "high",
    }
}

codes! {
    /// A written assurance by the recipient. No assurance cures a risk of torture.
    Assurance as "assurance" {
        /// Erased after the stated use.
        DeletionAfterUse = "deletion_after_use",
        /// Trial observed.
        FairTrialMonitoring = "fair_trial_monitoring",
        /// Not passed on.
        NonOnward = "non_onward",
        /// No capital punishment asked for, imposed or carried out.
        WrittenNoDeathPenalty = "written_no_death_penalty",
    }
}

codes! {
    /// Through what a disclosure travels.
    Channel as "channel" {
        /// A file carried by hand.
        Courier = "courier",
        /// Node to node.
        Exchange = "exchange",
    }
}

codes! {
    /// Why an agency refuses (R01–R12 after Directive (EU) 2023/977, Art. 6; R13–R19 never need explanatory text).
    RefusalGround as "refusal ground" {
        /// R01: not available.
        NotAvailable = "R01",
        /// R02: the request is incomplete.
        RequestIncomplete = "R02",
        /// R03: no agreement covers it.
        NoAgreementCover = "R03",
        /// R04: judicial authorisation was refused.
        JudicialAuthorisationRefused = "R04",
        /// R05: the category of data is not allowed.
        CategoryNotAllowed = "R05",
        /// R06: the data are unreliable or out of date.
        DataUnreliableOrOutdated = "R06",
        /// R07: essential security interests.
        NationalSecurityInterest = "R07",
        /// R08: would harm an ongoing case.
        HarmsOngoingCase = "R08",
        /// R09: would endanger a person.
        EndangersPerson = "R09",
        /// R10: interests of a legal person.
        LegalPersonInterest = "R10",
        /// R11: the offence is minor (one year or less).
        MinorOffence = "R11",
        /// R12: the third party that gave it does not consent.
        ThirdPartyRefused = "R12",
        /// R13: risk of torture or ill-treatment.
        TortureOrCidtRisk = "R13",
        /// R14: risk of the death penalty.
        DeathPenaltyRisk = "R14",
        /// R15: risk of an unfair trial.
        UnfairTrialRisk = "R15",
        /// R16: an offence of politics or opinion.
        PoliticalOrOpinionOffence = "R16",
        /// R17: a protected role.
        ProtectedRole = "R17",
        /// R18: refoulement or asylum.
        RefoulementOrAsylum = "R18",
        /// R19: disproportionate or in bulk.
        DisproportionateOrBulk = "R19",
        /// R20: not an offence on both sides.
        DualCriminalityMissing = "R20",
        /// R21: already judged.
        NeBisInIdem = "R21",
        /// R22: classification above what the recipient or channel may hold.
        Classification = "R22",
    }
}

codes! {
    /// Which guard stopped a decision; the code of the ledger entry (domain page, §2.12).
    DenialCode as "denial code" {
        /// No agreement in force covers it.
        Agreement = "AGR",
        /// Budget or volume.
        Budget = "BUD",
        /// No case, or not assigned to it.
        Case = "CASE",
        /// Subject class missing or not allowed.
        Category = "CAT",
        /// Past its clock.
        Clock = "CLK",
        /// Classification or channel.
        Classification = "CLS",
        /// Not graded.
        Grade = "GRD",
        /// Handling.
        Handling = "HND",
        /// A legal or oversight hold.
        Hold = "HOLD",
        /// Originator control.
        Originator = "ORC",
        /// Protected role.
        ProtectedRole = "PRT",
        /// Purpose, or an excluded predicate.
        Purpose = "PUR",
        /// Retention or minimisation.
        Retention = "RET",
        /// Transfer risk.
        Risk = "RSK",
        /// The role may not do this.
        Role = "ROLE",
        /// Signature or rule-set version.
        Signature = "SIG",
        /// Special category.
        SpecialCategory = "SPC",
        /// A second person is needed.
        TwoPerson = "TWO_PERSON",
    }
}

codes! {
    /// What a receipt proves (`docs/spec/exchange.md`, receipts; vocabulary after ETSI EN 319 522).
    ReceiptKind as "receipt kind" {
        /// Committed at the sender's own node.
        Submitted = "R0",
        /// Durable at the receiver; hash and chain verified.
        Stored = "R1",
        /// Judged by the receiver's rules: accepted or refused with a code.
        Decided = "R2",
        /// Shown in plain text for the first time.
        Read = "R3",
        /// Recalled, corrected or deleted, with what was wiped.
        Erased = "R4",
        /// Not delivered by the deadline, signed by the sender.
        NotDelivered = "N1",
    }
}
