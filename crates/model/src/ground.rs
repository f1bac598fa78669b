//! The grounds of refusal and the states of a request in words: what the officer who asked reads. Legal terms in Arabic, French and Spanish await a
//! native legal translator.

use crate::{RefusalGround, RequestState, Words4};

macro_rules! words {
    ($($ground:ident: $en:literal, $fr:literal, $es:literal, $ar:literal;)+) => {
        impl RefusalGround {
            /// Returns the ground in four languages.
            #[must_use]
            pub const fn words(self) -> Words4 {
                match self {
                    $(Self::$ground => Words4 { en: $en, fr: $fr, es: $es, ar: $ar },)+
                }
            }
        }
    };
}

words! {
    NotAvailable: "The information is not available.", "L'information n'est pas disponible.", "La información no está disponible.", "المعلومة غير متوفرة.";
    RequestIncomplete: "The request is incomplete.", "La demande est incomplète.", "La solicitud está incompleta.", "الطلب غير مكتمل.";
    NoAgreementCover: "No agreement covers it.", "Aucun accord ne la couvre.", "Ningún convenio la ampara.", "لا تغطيه أي اتفاقية.";
    JudicialAuthorisationRefused: "The judicial authorisation was refused.", "L'autorisation judiciaire a été refusée.", "Se denegó la autorización judicial.", "رُفض الإذن القضائي.";
    CategoryNotAllowed: "This category of data may not be given.", "Cette catégorie de données ne peut être fournie.", "Esta categoría de datos no puede facilitarse.", "لا يجوز تقديم هذا الصنف من المعطيات.";
    DataUnreliableOrOutdated: "The data are unreliable or out of date.", "Les données sont peu fiables ou périmées.", "Los datos no son fiables o están desactualizados.", "المعطيات غير موثوقة أو متقادمة.";
    NationalSecurityInterest: "Essential interests of national security stand against it.", "Des intérêts essentiels de sécurité nationale s'y opposent.", "Se oponen intereses esenciales de seguridad nacional.", "تحول دونه مصالح أساسية للأمن الوطني.";
    HarmsOngoingCase: "It would harm an ongoing case.", "Cela nuirait à une affaire en cours.", "Perjudicaría un caso en curso.", "قد يضر بقضية جارية.";
    EndangersPerson: "It would endanger a person.", "Cela mettrait une personne en danger.", "Pondría en peligro a una persona.", "قد يعرض شخصا للخطر.";
    LegalPersonInterest: "Protected interests of a legal person stand against it.", "Des intérêts protégés d'une personne morale s'y opposent.", "Se oponen intereses protegidos de una persona jurídica.", "تحول دونه مصالح محمية لشخص معنوي.";
    MinorOffence: "The offence is minor.", "L'infraction est mineure.", "El delito es leve.", "الجريمة بسيطة.";
    ThirdPartyRefused: "The third party that gave it does not consent.", "Le tiers qui l'a fournie ne consent pas.", "El tercero que la facilitó no consiente.", "لا يوافق الطرف الثالث الذي قدمها.";
    TortureOrCidtRisk: "There is a risk of torture or ill-treatment.", "Il existe un risque de torture ou de mauvais traitements.", "Existe riesgo de tortura o malos tratos.", "يوجد خطر التعذيب أو سوء المعاملة.";
    DeathPenaltyRisk: "There is a risk of the death penalty.", "Il existe un risque de peine de mort.", "Existe riesgo de pena de muerte.", "يوجد خطر عقوبة الإعدام.";
    UnfairTrialRisk: "There is a risk of an unfair trial.", "Il existe un risque de procès inéquitable.", "Existe riesgo de juicio injusto.", "يوجد خطر محاكمة غير عادلة.";
    PoliticalOrOpinionOffence: "It concerns politics or opinion.", "Elle concerne la politique ou l'opinion.", "Se refiere a la política o la opinión.", "يتعلق بالسياسة أو الرأي.";
    ProtectedRole: "It concerns a person in a protected role.", "Elle concerne une personne de qualité protégée.", "Se refiere a una persona de condición protegida.", "يتعلق بشخص ذي صفة محمية.";
    RefoulementOrAsylum: "It could expose a person who seeks protection.", "Elle pourrait exposer une personne en quête de protection.", "Podría exponer a una persona que busca protección.", "قد يعرض شخصا يطلب الحماية للخطر.";
    DisproportionateOrBulk: "It is disproportionate or asks in bulk.", "Elle est disproportionnée ou massive.", "Es desproporcionada o masiva.", "الطلب غير متناسب أو شامل.";
    DualCriminalityMissing: "It is not an offence on both sides.", "Ce n'est pas une infraction des deux côtés.", "No es delito en ambas partes.", "ليست جريمة لدى الطرفين.";
    NeBisInIdem: "The person was already judged for it.", "La personne a déjà été jugée pour cela.", "La persona ya fue juzgada por ello.", "سبقت محاكمة الشخص عنه.";
    Classification: "Its classification is above what may be sent.", "Sa classification dépasse ce qui peut être transmis.", "Su clasificación supera lo que puede enviarse.", "درجة سريته تفوق ما يجوز إرساله.";
}

macro_rules! state_words {
    ($($state:ident: $en:literal, $fr:literal, $es:literal, $ar:literal;)+) => {
        impl RequestState {
            /// Returns where the request is, in four languages.
            #[must_use]
            pub const fn words(self) -> Words4 {
                match self {
                    $(Self::$state => Words4 { en: $en, fr: $fr, es: $es, ar: $ar },)+
                }
            }
        }
    };
}

state_words! {
    Sent: "It is on its way.", "Elle est en route.", "Está en camino.", "الطلب في طريقه.";
    Received: "It was received; the clock runs.", "Elle est reçue ; le délai court.", "Se ha recibido; el plazo corre.", "تم استلام الطلب والأجل سارٍ.";
    UnderEvaluation: "The other side looks at it; the clock runs.", "L'autre partie l'examine ; le délai court.", "La otra parte la examina; el plazo corre.", "الطرف الآخر ينظر فيه والأجل سارٍ.";
    Clarification: "A question was asked back; the clock stands.", "Une question est posée en retour ; le délai est suspendu.", "Se ha pedido una aclaración; el plazo está suspendido.", "طُلب توضيح والأجل موقوف.";
    Accepted: "It was taken up; the answer is owed.", "Elle est acceptée ; la réponse est due.", "Se ha aceptado; se debe la respuesta.", "قُبل الطلب والجواب مستحق.";
    Delayed: "A new date was given; the answer is owed.", "Une nouvelle date est donnée ; la réponse est due.", "Se ha dado una nueva fecha; se debe la respuesta.", "حُدد تاريخ جديد والجواب مستحق.";
    AnsweredPart: "It was answered in part; the rest is owed.", "Elle a reçu une réponse partielle ; le reste est dû.", "Se ha respondido en parte; se debe el resto.", "أُجيب عنه جزئيًا والباقي مستحق.";
    AnsweredFull: "It was answered; feedback is possible for thirty days.", "Elle a reçu sa réponse ; un retour est possible pendant trente jours.", "Se ha respondido; se pueden enviar comentarios durante treinta días.", "أُجيب عنه ويمكن التعقيب خلال ثلاثين يومًا.";
    Refused: "It was refused; feedback is possible for thirty days.", "Elle est refusée ; un retour est possible pendant trente jours.", "Se ha denegado; se pueden enviar comentarios durante treinta días.", "رُفض الطلب ويمكن التعقيب خلال ثلاثين يومًا.";
    Withdrawn: "It was taken back by who asked.", "Elle est retirée par la partie qui l'a faite.", "La retiró quien la hizo.", "سحبه الطرف الذي قدّمه.";
    Expired: "Its last day is over and nobody answered.", "Son dernier jour est passé sans réponse.", "Su último día ha pasado sin respuesta.", "انقضى آخر أيامه دون جواب.";
    Closed: "It is closed; people decide half a year later whether it is kept.", "Elle est close ; six mois plus tard, des personnes décident de sa conservation.", "Está cerrada; seis meses después se decide si se conserva.", "أُغلق الطلب، وبعد ستة أشهر يقرر أشخاص هل يُحتفظ به.";
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_ground_has_its_words_in_four_languages() {
        let mut seen = std::collections::BTreeSet::new();
        for ground in RefusalGround::ALL {
            let words = ground.words();
            for text in [words.ar, words.en, words.es, words.fr] {
                assert!(text.ends_with('.') && text.len() > 10, "{ground}");
                assert!(seen.insert(text), "{ground} has the words of another");
            }
            assert!(words.ar.chars().any(|c| ('\u{600}'..'\u{700}').contains(&c)), "{ground}");
        }
    }

    #[test]
    fn every_state_of_a_request_has_its_words_in_four_languages() {
        let mut seen = std::collections::BTreeSet::new();
        for state in RequestState::ALL {
            let words = state.words();
            for text in [words.ar, words.en, words.es, words.fr] {
                assert!(text.ends_with('.') && text.len() > 10, "{state}");
                assert!(seen.insert(text), "{state} has the words of another");
            }
            assert!(words.ar.chars().any(|c| ('\u{600}'..'\u{700}').contains(&c)), "{state}");
        }
    }
}
