# Writes keras1.json, its weights and an input as Keras 1 had them, and twice.keras as tf.keras 2.13 had it; prints what
# their arithmetic gives.
import json, h5py, numpy as np, os
rng=np.random.default_rng(5); f=lambda *s: rng.normal(size=s).astype('f4')*0.5
reg={"name":"L1L2Regularizer","l1":0.0,"l2":0.001}
common=dict(trainable=True)
layers=[
 dict(class_name="Convolution1D",config=dict(name="convolution1d_1",batch_input_shape=[None,6,3],input_dtype="float32",init="glorot_uniform",nb_filter=4,filter_length=3,border_mode="same",subsample_length=1,activation="relu",W_regularizer=reg,b_regularizer=None,activity_regularizer=None,W_constraint=None,b_constraint=None,bias=True,input_dim=3,input_length=6,trainable=True)),
 dict(class_name="LSTM",config=dict(name="lstm_1",output_dim=3,init="glorot_uniform",inner_init="orthogonal",forget_bias_init="one",activation="tanh",inner_activation="hard_sigmoid",W_regularizer=None,U_regularizer=None,b_regularizer=None,dropout_W=0.0,dropout_U=0.0,return_sequences=True,go_backwards=False,stateful=False,unroll=False,consume_less="cpu",input_dim=4,input_length=None,trainable=True)),
 dict(class_name="GRU",config=dict(name="gru_1",output_dim=2,init="glorot_uniform",inner_init="orthogonal",activation="tanh",inner_activation="hard_sigmoid",W_regularizer=None,U_regularizer=None,b_regularizer=None,dropout_W=0.0,dropout_U=0.0,return_sequences=False,go_backwards=False,stateful=False,unroll=False,consume_less="cpu",input_dim=3,input_length=None,trainable=True)),
 dict(class_name="Dropout",config=dict(name="dropout_1",p=0.5,trainable=True)),
 dict(class_name="Dense",config=dict(name="dense_1",output_dim=2,init="uniform",activation="linear",W_regularizer=reg,b_regularizer=None,activity_regularizer=None,W_constraint={"name":"MaxNorm","m":2,"axis":0},b_constraint=None,bias=True,input_dim=2,trainable=True)),
]
out=os.path.dirname(os.path.abspath(__file__))
json.dump(dict(class_name="Sequential",config=layers,keras_version="1.2.2"),open(out+'/keras1.json','w'))
ck=f(3,1,3,4); cb=f(4)
lw={g:(f(4,3),f(3,3),f(3)) for g in 'icfo'}; gw={g:(f(3,2),f(2,2),f(2)) for g in 'zrh'}; dk=f(2,2); db=f(2)
with h5py.File(out+'/keras1-weights.h5','w') as h:
    h.attrs['layer_names']=np.array([l['config']['name'].encode() for l in layers]); h.attrs['keras_version']=b'1.2.2'
    def put(layer,items):
        g=h.create_group(layer); g.attrs['weight_names']=np.array([n.encode() for n,_ in items]) if items else np.zeros((0,),'S1')
        for n,a in items: g.create_dataset(n,data=a)
    put('convolution1d_1',[('convolution1d_1_W',ck),('convolution1d_1_b',cb)])
    put('lstm_1',[(f'lstm_1_{k}_{g}',a) for g in 'icfo' for k,a in zip('WUb',lw[g])])
    put('gru_1',[(f'gru_1_{k}_{g}',a) for g in 'zrh' for k,a in zip('WUb',gw[g])])
    put('dropout_1',[]); put('dense_1',[('dense_1_W',dk),('dense_1_b',db)])
x=np.linspace(-1,1,36).reshape(2,6,3).astype('f4'); np.save(out+'/keras1-input.npy',x)
x=x.astype('f8'); hs=lambda v: np.clip(0.2*v+0.5,0,1)
p=np.pad(x,((0,0),(1,1),(0,0))); y=np.maximum(sum(p[:,k:k+6]@ck[k,0] for k in range(3))+cb,0)
h=c=np.zeros((2,3)); seq=[]
for t in range(6):
    z={g:y[:,t]@lw[g][0]+h@lw[g][1]+lw[g][2] for g in 'icfo'}
    c=hs(z['f'])*c+hs(z['i'])*np.tanh(z['c']); h=hs(z['o'])*np.tanh(c); seq.append(h)
s=np.zeros((2,2))
for v in seq:
    z=hs(v@gw['z'][0]+s@gw['z'][1]+gw['z'][2]); r=hs(v@gw['r'][0]+s@gw['r'][1]+gw['r'][2])
    n=np.tanh(v@gw['h'][0]+(r*s)@gw['h'][1]+gw['h'][2]); s=z*s+(1-z)*n
print(s@dk+db)

# Layers with weights count twice in the names of groups.
import io, zipfile
y=np.ones((1,2))
store=io.BytesIO(); model=[dict(module="keras.layers",class_name="InputLayer",config=dict(batch_input_shape=[None,2],dtype="float32",name="x"))]
with h5py.File(store,'w') as h:
    for k in range(3):
        w,b=f(2,2),f(2); group=f"_layer_checkpoint_dependencies/dense{['','_2','_4'][k]}/vars/"
        h[group+'0']=w; h[group+'1']=b; y=y@w+b
        model.append(dict(module="keras.layers",class_name="Dense",config=dict(name=f"d{k}",trainable=True,dtype="float32",units=2,activation="linear",use_bias=True)))
with zipfile.ZipFile(out+'/twice.keras','w') as z:
    for name,data in (('metadata.json',json.dumps(dict(keras_version="2.13.1"))),('config.json',json.dumps(dict(module="keras",class_name="Sequential",config=dict(name="m",layers=model)))),('model.weights.h5',store.getvalue())):
        z.writestr(zipfile.ZipInfo(name,(2023,1,1,0,0,0)),data)
print(y)
