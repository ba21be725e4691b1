/**
 * Words that may stay in a cleaned description: anatomy, procedures, contrast phases, reconstruction, orientation, and the
 * names of vendors' techniques, in English and the commonest of German, French, Italian and Spanish, folded to a to z.
 *
 * A list of what is safe, since no list of what is not can know every name. It leaves out words that are common surnames
 * unless radiology cannot do without them; those go too where the file itself names such a person.
 */
export const safeWords: ReadonlySet<string> = new Set(
  `
  a abd abdomen abdominal abdo abnormal above absolute acquisition acquired active adc adrenal adult after air algorithm aligned
  all anatomic anatomical anatomy and angio angiography angled annotation anterior aorta aortic apical app appendix arterial
  arteriell artery artefact artifact ascending atlas attenuation auto automatic average averaged ax axial axiale axiales
  b background baseline basal bases before bh bilateral biopsy bladder blade block blood bolus bone bones bowel brain breast breath
  breathhold bronchial bursa c cad calcaneus calcification calcium calibration cap captured cardiac carotid cavity cbct cect cerebral
  cerebrum cervical ceus chest cholangio chronic ci cine class clinical coarse coeff coil colon colonography color colour combined
  comparison complete composed compressed computed con cont contour contrast contrasted control cor coronal coronale coronary
  correction corrected cortex corticomedullary cranial cranium creation crest ct cta ctac cube curve curved cut cyst cystic cysts
  d data dce decubitus deep default definition delay delayed density derived descending detail detector device diagnostic diaphragm
  diastolic diffusion dimension direct display distal distance dixon dorsal dose dosis double dual duodenum dwi dynamic dynamik
  early ecg echo edge effective elbow empty enhanced enhancement epi equilibrium esophagus evaluation even exam examination
  excretory exhale exp expiration extended extension external extremity eye f face facial false fast fat fatsat female femoral femur
  fetal few ffe fiesta field film filter filtered final fine first fixed flair flash flat flex flow fluid fluoro focus foot for
  forearm fossa fov frame frames frontal fs full function functional fused fusion gallbladder gantry gated general gland
  gradient graph gray grey group guided gut h haste heart helical hemangioma hepatic hepatobiliary hi high hilum hip hires hr hrct
  hu humerus i ii iii iv idose iliac image images imaging imr in index inferior infra inhale initial injection inner inphase
  insp inspiration instance internal interventional intestine intra intravenous invert inversion iodine iodinated iso isotropic
  ivc ivu joint kernel kidney kidneys kub kv kvp l label labelmap lat late lateral layer left leg lesion lesions level liver lobe
  localizer localiser local locator long loop low lower lumbar lumen lung lungs lymph ma male manual map mar marrow mas mask mass masses
  matrix max maximum mean measurement medial mediastinal mediastinum medium medulla medullary mesenteric metal metastases metastasis
  mean mid middle min minimum minip mip mips mm model model mono monochromatic monoenergetic morphologically morphology motion mpr
  mprs mr mra mrcp mri mrt multi multiphase muscle n naso native nativ neck neoplasm nephro nephrogram nephrogenic nephrographic
  nerve no nodule nodules non noncontrast noise none normal nose not number o oblique occipital off on one op opp opposed optic oral
  orbit order original orientation other out outer outphase output oncocytoma ovary overlay overview p pa pancreas pancreatic
  panel papillary parallel parenchyma parenchymal part partial pass patella pcct pd pediatric pelvis pelvic perfusion pet phantom
  phase phases pi pitch plain plane planning plaque plexus plus portal portalvenous portovenous position post posterior postcontrast
  pre precontrast premonitoring presentation primary processed processing profile projection prone prostate protocol proximal
  pulmonary pulse pv qc quality quantitative r radial radius range rapid rate raw recon reconstruction reconstructed reference
  reformat reformatted region regular renal renogram report research resolution resp respiratory rest result retro
  retroperitoneum rib ribs right rigid roi rotation routine run s sacral sacrum sag sagittal sat scale scan scanner scapula scout screen screening
  second secondary section seg segment segmentation segmented segments selected sella separate sequence series set sharp shoulder
  single sinus size skull slab slice slices small smooth soft softtissue source spectral spin spine spiral spleen splenic stack standard
  std state static status std step sternum stir stomach stone stones stress structure study sub subtracted subtraction
  superior supine supra surface surview susceptibility symmetric system systolic t table target tav temporal tendon test texture
  thick thickness thigh thin thoracic thorax three threshold thyroid tibia time tirm tissue to toe top topo topogram total trachea tract
  transformed transversal transverse triphasic tse tube tumor tumors tumour tumours two type u ulna ultra unenhanced unit upper ureter
  ureters urethra urinary urogram urography uterus v valve vascular vein veins vena venous ventral ventricle vertebra vertebrae
  vessel vessels view virtual vnc vocal volume vol voxel vrt w wall washout water weighted whole wholebody width window with
  without wo wrist x xray y z zoom
  abdomens arterielle becken bronchien brust darm dunn dick frueh fruh ganzkorper gehirn hals harnblase herz hirn hochauflosend
  kind knochen kontrast kontrastmittel km kopf koronar kranial leber leeraufnahme lunge magen milz mit nach nativ nephrographisch
  niere nieren nierentumor oben ohne oberbauch pankreas phasen portalvenos prostata rechts links schadel schicht schichten serie
  schulter sagittal spat topogramm transversale uebersicht ubersicht unten unterbauch venose venos vor weichteil weichteile
  wirbelsaule axiaal
  abdominale artere arteriel arterielle avec cou coupe coupes cerveau coeur crane foie injecte os pelvien poumon rein reins rate
  reperage sans tardif tardive temps thoracique tete tumeur veineux
  arteriosa arteriale addome addominale basale cervello collo con cuore encefalo fase fegato mezzo polmone portale rene reni senza
  tardiva testa torace venosa
  arterial cabeza cerebro corazon cuello cortes craneo higado hueso pelvico portal pulmon rinon rinones simple sin tardia torax venosa
  ir fbp br bl qr hr admire safire asir asirv veo aidr aidr3d fc deepresolution dlir truefidelity advanced iterative karl
  b10f b20f b30f b31f b40f b41f b45f b50f b60f b70f b80f i30f i31f i40f i41f i50f i70f stnd
  vibe mprage spgr lava thrive space cube vista propeller blade trufi bssfp gre se tra trig trim swi asl dti dki tof pc bold mag
  mag phs real imag ph
  ge siemens philips toshiba canon hitachi united gems medical systems healthcare healthineers ingenia
  achieva discovery optima revolution lightspeed brightspeed hispeed somatom definition force emotion sensation perspective
  drive edge go aquilion brilliance ingenuity iqon biograph magnetom signa avanto prisma skyra aera verio vida sola syngo
  consilium synthetic example made up removed kidney cyst
  head neck headneck brain spine hand pilot smart score scoring gated dyn oblique obli xr xa rf rt dx cr us nm pt seg xray petct factor suv
  apparent coefficient collection marked multiframe measurements trial version version use used for the of in at by is this that from
  into between its it are be not or as an clinical point value values selection created legacy classic conversion converted software
  simple basic precise precision body whole quality size angle rows columns spatial temporal
  mm cm ml mg kg sec min max kev hz mgy ctdi dlp
  omniscan isovue iohexol omnipaque ultravist imeron visipaque iopamidol iodixanol iomeron iomeprol iopromid iopromide xenetix optiray
  ioversol accupaque solutrast gadovist dotarem primovist magnevist clariscan prohance multihance gastrografin telebrix barium sodium
  chloride saline nacl fdg choline psma fluor gallium technetium
  gtv ctv ptv itv oar external parotid mandible oesophagus larynx brainstem cochlea chiasm lens cord canal bowelbag rectum sigmoid
  femoralhead ribcage carcinoma rcc ccrcc prcc chrcc aml angiomyolipoma adenoma hilus thrombus edema necrosis
  nnunet nnu net unet totalsegmentator monai vnet swin segresnet manual tool editor interpolated threshold
  axis position reference clear xiphoid umbilicus acromion clavicle manubrium notch
  lossless lossy jpeg compression ratio stage start end first last next
  `
    .trim()
    .split(/\s+/),
);
