# Put before every jq expression of the stages; the input is a Pod.
def deleting: .metadata.deletionTimestamp != null;
def phase: .status.phase // "Pending";
def inits: .spec.initContainers // [];
def all_containers: inits + .spec.containers;
def reported: (.status.initContainerStatuses // []) + (.status.containerStatuses // []);
def exists: .image | test("@IMAGE@");
def images_exist: all_containers | all(exists);
def command: ((.command // []) + (.args // [])) | join(" ");
def fails: command | test("@FAILS@");
def lasts: command | test("@LASTS@");
def of_job: (.metadata.ownerReferences // []) | any(.kind == "Job");
def init_fails: inits | any(.restartPolicy != "Always" and fails);
def run_failing: [.spec.containers[] | select(fails) | .name] as $failing
  | (.status.containerStatuses // []) | any(.state.running != null and (.name | IN($failing[])));
def started: (.status.containerStatuses // []) | any(.state.running != null);
def ends: of_job as $job | .spec.restartPolicy != "Always"
  and (.spec.containers | all((fails | not) and (lasts | not) and ($job or command != "")));
def pulled_otherwise: [.status.containerStatuses[]? | {name, image}] as $known
  | .spec.containers | any({name, image} | IN($known[]) | not);
def unreported_missing: reported as $known | all_containers | any((exists | not) and
  (. as $one | $known | any(.name == $one.name and .image == $one.image
    and (.state.waiting.reason | IN("ErrImagePull", "ImagePullBackOff"))) | not));
