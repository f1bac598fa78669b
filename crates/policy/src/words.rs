//! The reasons people read, in four languages. Ours, so safe to show to anyone: no value of a report is in them.

use mithaq_model::Words4;

macro_rules! words {
    ($($key:literal: $en:literal, $fr:literal, $es:literal, $ar:literal;)+) => {
        /// Every key of a reason.
        #[cfg(test)]
        pub(crate) const KEYS: &[&str] = &[$($key),+];

        /// Returns the sentence of a key; an unknown key says only that the rules refuse.
        pub(crate) fn of(key: &str) -> Words4 {
            match key {
                $($key => Words4 { en: $en, fr: $fr, es: $es, ar: $ar },)+
                _other => Words4 {
                    en: "The rules refuse this.",
                    fr: "Les règles s'y opposent.",
                    es: "Las reglas no lo permiten.",
                    ar: "القواعد لا تسمح بذلك.",
                },
            }
        }
    };
}

words! {
    "role": "No role you hold allows this release.", "Aucun de vos rôles ne permet cette transmission.", "Ninguna de sus funciones permite esta transmisión.", "لا يسمح أي دور لديك بهذا الإرسال.";
    "case": "There is no open case you are assigned to.", "Aucune affaire ouverte ne vous est attribuée.", "No hay un caso abierto que se le haya asignado.", "لا توجد قضية مفتوحة مسندة إليك.";
    "signature": "The two sides do not apply the same signed rules.", "Les deux parties n'appliquent pas les mêmes règles signées.", "Las dos partes no aplican las mismas reglas firmadas.", "لا يطبق الطرفان القواعد الموقعة نفسها.";
    "agreement": "No agreement in force covers this.", "Aucun accord en vigueur ne couvre cette transmission.", "Ningún convenio en vigor ampara esta transmisión.", "لا توجد اتفاقية سارية تغطي هذا الإرسال.";
    "recipient": "The recipient is not named, or is no party of the agreement.", "Le destinataire n'est pas nommé ou n'est pas partie à l'accord.", "El destinatario no figura o no es parte del convenio.", "المرسل إليه غير مسمى أو ليس طرفا في الاتفاقية.";
    "request": "The request lacks what it seeks, its basis, a link of a person to its purpose, its urgency's reason, or the statement that it is lawful at home.", "Il manque à la demande ce qu'elle recherche, sa base, le lien d'une personne avec sa finalité, le motif de l'urgence ou l'attestation de licéité interne.", "Falta en la solicitud lo que busca, su base, el vínculo de una persona con su finalidad, el motivo de la urgencia o la declaración de licitud interna.", "ينقص الطلب موضوعه أو أساسه أو صلة شخص بغايته أو سبب الاستعجال أو التصريح بمشروعيته داخليا.";
    "reply": "It answers no open request of this recipient.", "Il ne répond à aucune demande en cours de ce destinataire.", "No responde a ninguna solicitud abierta de este destinatario.", "لا يجيب عن أي طلب مفتوح لهذا المرسل إليه.";
    "text_category": "The words seem to hold data of a special category.", "Le propos semble contenir des données sensibles.", "El texto parece contener datos de categoría especial.", "يبدو أن الكلام يتضمن معطيات حساسة.";
    "hold": "A legal or oversight hold stops this.", "Une mesure conservatoire s'y oppose.", "Una medida de retención legal lo impide.", "تدبير تحفظي قانوني أو رقابي يمنع ذلك.";
    "area": "The agreement does not cover this area of crime.", "L'accord ne couvre pas ce domaine de criminalité.", "El convenio no cubre este ámbito delictivo.", "لا تشمل الاتفاقية هذا المجال الإجرامي.";
    "purpose": "The agreement does not cover this purpose.", "L'accord ne couvre pas cette finalité.", "El convenio no cubre esta finalidad.", "لا تشمل الاتفاقية هذه الغاية.";
    "class": "The agreement does not cover this class of person.", "L'accord ne couvre pas cette catégorie de personne.", "El convenio no cubre esta categoría de persona.", "لا تشمل الاتفاقية هذه الصفة للشخص المعني.";
    "informant": "Data about an informant never leaves the node.", "Les données d'un informateur ne quittent jamais le nœud.", "Los datos de un informante nunca salen del nodo.", "معطيات المخبر لا تغادر العقدة أبدا.";
    "persons_in_statistics": "A report without personal purpose holds persons.", "Un rapport sans finalité personnelle contient des personnes.", "Un informe sin finalidad personal contiene personas.", "تقرير بلا غاية شخصية يتضمن أشخاصا.";
    "name_only": "A name alone does not identify a person; a second identifier is needed.", "Un nom seul n'identifie pas une personne ; un second élément est requis.", "Un nombre por sí solo no identifica; se necesita un segundo dato.", "الاسم وحده لا يحدد الهوية، يلزم عنصر ثان.";
    "minors": "Data about a minor may be disclosed only to protect them.", "Les données d'un mineur ne sont transmises que pour le protéger.", "Los datos de un menor solo se transmiten para protegerlo.", "لا ترسل معطيات القاصر إلا لحمايته.";
    "special_category": "The text seems to hold data of a special category.", "Le texte semble contenir des données sensibles.", "El texto parece contener datos de categoría especial.", "يبدو أن النص يتضمن معطيات حساسة.";
    "protected_role": "A protected role has not been cleared.", "Une qualité protégée n'a pas été levée.", "No se ha autorizado una condición protegida.", "لم تُرفع الصفة المحمية.";
    "asylum": "It could expose a person who seeks protection.", "Cela pourrait exposer une personne en quête de protection.", "Podría exponer a una persona que busca protección.", "قد يعرض ذلك شخصا يطلب الحماية للخطر.";
    "excluded_predicate": "There is no cooperation against opinion, assembly or belief.", "Aucune coopération contre l'opinion, la réunion ou la croyance.", "No hay cooperación contra la opinión, la reunión o la creencia.", "لا تعاون ضد الرأي أو التجمع أو المعتقد.";
    "label_only": "A concrete offence with its statute is needed, not a label.", "Une infraction précise et son texte sont requis, non une étiquette.", "Se necesita un delito concreto con su norma, no una etiqueta.", "تلزم جريمة محددة بنصها القانوني لا مجرد وصف.";
    "grade": "It has no grade.", "Il n'est pas coté.", "No está evaluado.", "لم يقيّم بعد.";
    "machine_made": "What a machine wrote is graded as not evaluated.", "Ce qu'une machine a écrit reste non évalué.", "Lo escrito por una máquina se considera no evaluado.", "ما كتبته آلة يعتبر غير مقيّم.";
    "weak_grade": "Weak information cannot ground a search for a person on its own.", "Une information faible ne fonde pas à elle seule une recherche de personne.", "Una información débil no fundamenta por sí sola la búsqueda de una persona.", "المعلومة الضعيفة لا تؤسس وحدها للبحث عن شخص.";
    "obtained_in_violation": "It may have been obtained in violation of rights.", "Elle a pu être obtenue en violation des droits.", "Pudo obtenerse con vulneración de derechos.", "يحتمل أنها جُمعت بانتهاك للحقوق.";
    "originator": "The originator of a part has not consented.", "L'émetteur d'une partie n'a pas consenti.", "El emisor de una parte no ha consentido.", "لم توافق الجهة المصدرة لجزء منه.";
    "level": "Its classification is above what the recipient or channel may hold.", "Sa classification dépasse l'habilitation du destinataire ou du canal.", "Su clasificación supera la habilitación del destinatario o del canal.", "درجة سريته تفوق اعتماد المرسل إليه أو القناة.";
    "assessment": "There is no current risk assessment of the partner.", "Il n'y a pas d'évaluation actuelle du risque du partenaire.", "No hay una evaluación de riesgos vigente del socio.", "لا يوجد تقييم ساري للمخاطر لدى الشريك.";
    "torture": "There is a real risk of torture, ill-treatment or disappearance.", "Il existe un risque réel de torture, de mauvais traitements ou de disparition.", "Existe un riesgo real de tortura, malos tratos o desaparición.", "يوجد خطر حقيقي للتعذيب أو سوء المعاملة أو الاختفاء.";
    "death_penalty": "There is a risk of the death penalty without a written assurance.", "Il existe un risque de peine de mort sans assurance écrite.", "Existe riesgo de pena de muerte sin garantía escrita.", "يوجد خطر عقوبة الإعدام دون ضمان مكتوب.";
    "trial": "There is a high risk of an unfair trial.", "Il existe un risque élevé de procès inéquitable.", "Existe un riesgo alto de juicio injusto.", "يوجد خطر كبير لمحاكمة غير عادلة.";
    "political": "There is a high risk of misuse against opponents.", "Il existe un risque élevé d'usage contre des opposants.", "Existe un riesgo alto de uso contra opositores.", "يوجد خطر كبير لاستعماله ضد المعارضين.";
    "retention": "Its last day of use is missing, past, or later than allowed.", "Sa date de fin manque, est passée ou dépasse la durée permise.", "Su fecha final falta, ha pasado o supera lo permitido.", "تاريخ انتهائه غائب أو منقض أو يتجاوز المدة المسموحة.";
    "attributes": "It holds kinds of data the agreement does not cover.", "Il contient des types de données que l'accord ne couvre pas.", "Contiene tipos de datos que el convenio no cubre.", "يتضمن أنواعا من المعطيات لا تشملها الاتفاقية.";
    "budget": "Today's budget is used up.", "Le quota du jour est épuisé.", "El cupo de hoy está agotado.", "استُنفدت حصة اليوم.";
    "private_check": "The agreement does not provide for private checks.", "L'accord ne prévoit pas de vérification privée.", "El convenio no prevé el cotejo privado.", "لا تنص الاتفاقية على المطابقة الخاصة.";
    "check_class": "Persons of this class are not subjects of private checks.", "Les personnes de cette catégorie ne font pas l'objet de vérifications privées.", "Las personas de esta categoría no son objeto de cotejo privado.", "لا يخضع أشخاص هذه الصفة للمطابقة الخاصة.";
    "check_standing": "The agreement does not provide for this standing check, or not for so long.", "L'accord ne prévoit pas cette vérification permanente, ou pas pour si longtemps.", "El convenio no prevé este cotejo permanente, o no por tanto tiempo.", "لا تنص الاتفاقية على هذه المطابقة الدائمة أو ليس لهذه المدة.";
    "check_events": "The agreement does not provide for the deconfliction of planned actions.", "L'accord ne prévoit pas la prévention des conflits entre actions prévues.", "El convenio no prevé la prevención de conflictos entre acciones previstas.", "لا تنص الاتفاقية على منع تعارض العمليات المخططة.";
    "check_batch": "More subjects at once than the agreement allows.", "Plus de personnes à la fois que l'accord ne le permet.", "Más personas a la vez de las que permite el convenio.", "عدد الأشخاص دفعة واحدة يفوق ما تسمح به الاتفاقية.";
    "two_persons": "Two different persons in two roles must approve.", "Deux personnes différentes, dans deux rôles, doivent approuver.", "Deben aprobar dos personas distintas en dos funciones.", "يلزم موافقة شخصين مختلفين بدورين مختلفين.";
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_key_of_a_rule_has_its_sentences() {
        let safeguards = include_str!("safeguards.cedar");
        let keys = safeguards.split("@words(\"").skip(1).filter_map(|rest| rest.split('"').next());
        for key in keys {
            assert!(KEYS.contains(&key), "{key}");
        }
        for key in KEYS {
            let w = of(key);
            assert!([w.ar, w.en, w.es, w.fr].iter().all(|s| s.ends_with('.') && s.len() > 10), "{key}");
        }
    }
}
