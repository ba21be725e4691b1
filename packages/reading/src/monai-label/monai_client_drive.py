"""
Drives MONAI Label's own client, unmodified, against a server; prints what it got as one line of JSON.

    python monai_client_drive.py CLIENT_PY SERVER_URL SERIES_UID IMAGE_FILE LABEL_FILE WORK_DIRECTORY [USERNAME TOKEN]
"""

import importlib.util
import json
import sys

client_file, url, series, image_file, label_file, work = sys.argv[1:7]
spec = importlib.util.spec_from_file_location("monai_label_client", client_file)
module = importlib.util.module_from_spec(spec)
spec.loader.exec_module(module)


def read(path):
    with open(path, "rb") as file:
        return file.read()


def refusal(act):
    try:
        act()
        return "nothing was refused"
    except module.MONAILabelClientException as error:
        return error.msg


def client():
    """As 3D Slicer does it: a new one for each call, which asks whether to log in, and whether its token is good."""
    one = module.MONAILabelClient(url, tmpdir=work, client_id="workstation")
    if one.auth_enabled():
        token = one.auth_token(sys.argv[7], sys.argv[8])
        one.update_auth(token)
        assert one.auth_valid_token()
    return one


got = {"enabled": module.MONAILabelClient(url).auth_enabled()}
if got["enabled"]:
    stranger = module.MONAILabelClient(url)
    got["stranger"] = refusal(stranger.info)
    got["wrong"] = refusal(lambda: stranger.auth_token(sys.argv[7], "wrong"))
# One client for all calls: with a token, it sends headers of one request with the next.
c = client()
got["info"] = c.info()
got["running"] = c.train_status(True)
got["next"] = c.next_sample("next", {"max": 1})
image = got["next"]["id"]
result, params = c.infer("threshold", image, {"result_extension": ".nrrd", "result_dtype": "uint8"})
got["infer"] = {"file": result, "params": params}
got["session"] = c.create_session(image_file)
session = got["session"]["session_id"]
got["sessionAgain"] = c.get_session(session)
got["sessionInfer"] = refusal(lambda: c.infer("threshold", "", {}, session_id=session))
got["sessionGone"] = c.remove_session(session)
got["saved"] = c.save_label(image, label_file, "final", {"label_info": [{"name": "Tumour", "idx": 2}, {"name": "Kidney", "idx": 1}]})
got["label"] = c.download_label(image, "final")
got["uploaded"] = c.upload_image(image_file, "Doe^Jane")
if not got["enabled"]:
    got["uploadedInfer"] = c.infer("threshold", "Doe^Jane", {})[1]
got["datastore"] = c.datastore()
got["none"] = refusal(lambda: c.infer("none", image, {}))
got["wsi"] = refusal(lambda: c.wsi_infer("threshold", image))
got["train"] = c.train_start("threshold", {"max_epochs": 1})
got["trainAll"] = c.train_start(None, {})
got["trainStatus"] = c.train_status()
got["trainStop"] = c.train_stop()
# As 3D Slicer's copy of it does.
got["slicer"] = client().info()["name"]
print(json.dumps(got))
