"""Drives a PyTorch optimizer's lr by a curve that is fetched once: `python examples/python/pytorch_lr.py http://127.0.0.1:8000`."""
import array, sys, urllib.parse, urllib.request
import torch

def curve(url, name, lr, steps, **options):
    query = urllib.parse.urlencode({**options, "lr": ",".join(map(str, lr)), "from": 0, "to": steps, "every": 1})
    with urllib.request.urlopen(f"{url}/v1/schedules/{name}.f64?{query}") as answer:
        values = array.array("d", answer.read())  # float64, little-endian: group after group
    return [values[group * (steps + 1):(group + 1) * (steps + 1)] for group in range(len(lr))]  # [group][step]

layer = torch.nn.Linear(4, 1)
optimizer = torch.optim.AdamW([{"params": [layer.weight], "lr": 1e-2}, {"params": [layer.bias], "lr": 1e-3}])
base = [group["lr"] for group in optimizer.param_groups]
lr = curve(sys.argv[1], "cosine", base, 100, numWarmupSteps=10, numTrainingSteps=100)
scheduler = torch.optim.lr_scheduler.LambdaLR(optimizer, [lambda step, g=g: lr[g][step] / base[g] for g in range(len(base))])
for step in range(100):
    loss = (layer(torch.randn(8, 4)) - 1).square().mean()
    optimizer.zero_grad(), loss.backward(), optimizer.step(), scheduler.step()
    if step % 25 == 24:
        print(step + 1, *scheduler.get_last_lr(), loss.item())
